//! The shapes that chunks and whole answers share: members, calls, tokens, notes.

use serde_json::Value;

use crate::judge::{Findings, Rule};

/// What a message or a delta can hold beside its role and content.
pub(super) const SPOKEN: [&str; 5] =
    ["refusal", "reasoning_content", "reasoning_details", "annotations", "tool_calls"];

/// Why a choice can end.
const FINISHES: [&str; 5] = ["stop", "length", "tool_calls", "content_filter", "function_call"];

/// An object whose members are about to be judged by their names.
pub(super) struct Members<'a> {
    value: &'a Value,
    path: String,
    required: Vec<&'static str>,
    optional: Vec<&'static str>,
}

impl<'a> Members<'a> {
    /// The members of a value, at this place. A value that is no object is said to be none.
    pub(super) fn of(value: &'a Value, path: &str, findings: &mut Findings) -> Self {
        if !value.is_object() {
            findings.say_in(path, Rule::Shape, format!("{value} is not an object"));
        }
        Self { value, path: path.to_owned(), required: Vec::new(), optional: Vec::new() }
    }

    #[must_use]
    pub(super) fn required(mut self, names: &[&'static str]) -> Self {
        self.required.extend(names);
        self
    }

    #[must_use]
    pub(super) fn optional(mut self, names: &[&'static str]) -> Self {
        self.optional.extend(names);
        self
    }

    /// Complains of what is missing and of what nobody knows; false where there is no object.
    pub(super) fn check(self, findings: &mut Findings) -> bool {
        let Some(members) = self.value.as_object() else { return false };
        for name in self.required.iter().filter(|name| !members.contains_key(**name)) {
            findings.say_in(&self.path, Rule::Missing, format!("`{name}` is required"));
        }
        let known = |name: &str| self.required.contains(&name) || self.optional.contains(&name);
        for name in members.keys().filter(|name| !known(name)) {
            let message = format!("`{name}` is known to no client");
            findings.say_in(&self.path, Rule::UnknownMember, message);
        }
        true
    }
}

/// Complains of a member that is there and of the wrong type.
fn typed(value: &Value, path: &str, name: &str, fits: fn(&Value) -> bool, findings: &mut Findings) {
    if value.get(name).is_some_and(|member| !fits(member)) {
        let message = format!("`{name}` is {}", value[name]);
        findings.say_in(path, Rule::Shape, message);
    }
}

fn text_or_null(value: &Value) -> bool {
    value.is_string() || value.is_null()
}

fn is_filled(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

/// The members that every chunk and every answer begins with.
pub(super) fn envelope(value: &Value, object: &str, findings: &mut Findings) {
    typed(value, "", "id", is_filled, findings);
    typed(value, "", "model", is_filled, findings);
    typed(value, "", "created", Value::is_u64, findings);
    typed(value, "", "choices", Value::is_array, findings);
    typed(value, "", "system_fingerprint", text_or_null, findings);
    typed(value, "", "service_tier", text_or_null, findings);
    if value["object"] != object {
        findings.say_in("object", Rule::Shape, format!("{} is not `{object}`", value["object"]));
    }
}

/// What a message says, or a delta adds.
pub(super) fn spoken(value: &Value, path: &str, findings: &mut Findings) {
    for name in ["content", "refusal", "reasoning_content"] {
        typed(value, path, name, text_or_null, findings);
    }
    for name in ["reasoning_details", "annotations"] {
        let listed = |value: &Value| {
            value.as_array().is_some_and(|list| list.iter().all(|entry| entry["type"].is_string()))
        };
        typed(value, path, name, listed, findings);
    }
    typed(value, path, "tool_calls", Value::is_array, findings);
}

/// The member of a call that holds its name, and the member in it that holds its arguments.
pub(super) fn argument_of(kind: &str) -> (&'static str, &'static str) {
    if kind == "custom" { ("custom", "input") } else { ("function", "arguments") }
}

/// A call with all its members; false where there is none to speak of. An `index` is a chunk's.
pub(super) fn call(value: &Value, path: &str, findings: &mut Findings) -> bool {
    let kind = value["type"].as_str().unwrap_or_default();
    let (member, argument) = argument_of(kind);
    let members = Members::of(value, path, findings).required(&["id", "type", member]);
    if !members.check(findings) {
        return false;
    }
    typed(value, path, "id", is_filled, findings);
    if !matches!(kind, "function" | "custom") {
        findings.say_in(path, Rule::Shape, format!("`{kind}` is not a type of calls"));
    }
    let place = format!("{path}.{member}");
    let inner = &value[member];
    if Members::of(inner, &place, findings).required(&["name", argument]).check(findings) {
        typed(inner, &place, "name", is_filled, findings);
        typed(inner, &place, argument, Value::is_string, findings);
    }
    true
}

/// The reason why a choice ended.
pub(super) fn finish(reason: &Value, has_calls: bool, path: &str, findings: &mut Findings) {
    let word = reason.as_str().unwrap_or_default();
    if !FINISHES.contains(&word) {
        let message = format!("{reason} is not a reason to finish");
        return findings.say_in(path, Rule::Shape, message);
    }
    if matches!(word, "tool_calls" | "function_call") && !has_calls {
        findings.say_in(
            path,
            Rule::Status,
            format!("finished for `{word}`, but nothing is called"),
        );
    }
    if word == "stop" && has_calls {
        findings.say_in(path, Rule::Status, "finished for `stop`, but tools are called");
    }
}

/// Tokens: their members, and that they add up.
pub(super) fn usage(usage: &Value, path: &str, findings: &mut Findings) {
    let members = Members::of(usage, path, findings)
        .required(&["prompt_tokens", "completion_tokens", "total_tokens"])
        .optional(&["prompt_tokens_details", "completion_tokens_details"]);
    if !members.check(findings) {
        return;
    }
    let details: [(&str, &[&'static str]); 2] = [
        ("prompt_tokens_details", &["cached_tokens", "cache_write_tokens", "audio_tokens"]),
        (
            "completion_tokens_details",
            &[
                "reasoning_tokens",
                "audio_tokens",
                "accepted_prediction_tokens",
                "rejected_prediction_tokens",
            ],
        ),
    ];
    for (name, known) in details {
        if usage[name].is_null() {
            continue;
        }
        let place = format!("{path}.{name}");
        Members::of(&usage[name], &place, findings).optional(known).check(findings);
        known.iter().for_each(|count| typed(&usage[name], &place, count, Value::is_u64, findings));
    }
    for name in ["prompt_tokens", "completion_tokens", "total_tokens"] {
        typed(usage, path, name, Value::is_u64, findings);
    }
    let count = |pointer: &str| usage.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
    let (input, output) = (count("/prompt_tokens"), count("/completion_tokens"));
    if count("/total_tokens") != input + output {
        let message = format!(
            "`total_tokens` is {}, but {input} and {output} were used",
            count("/total_tokens")
        );
        findings.say_in(path, Rule::Usage, message);
    }
    let details = "/prompt_tokens_details";
    let cached = count(&format!("{details}/cached_tokens"));
    let written = count(&format!("{details}/cache_write_tokens"));
    if cached + written > input {
        let message = format!("{cached} cached and {written} written of {input} prompt tokens");
        findings.say_in(path, Rule::Usage, message);
    }
    let reasoning = count("/completion_tokens_details/reasoning_tokens");
    if reasoning > output {
        let message = format!("{reasoning} reasoning of {output} completion tokens");
        findings.say_in(path, Rule::Usage, message);
    }
}

/// The notes of a translation, where there are some.
pub(super) fn notes(quire: &Value, path: &str, findings: &mut Findings) {
    if quire.is_null() {
        return;
    }
    let members =
        Members::of(quire, path, findings).required(&["request_id", "model", "provider", "notes"]);
    if !members.check(findings) {
        return;
    }
    for name in ["request_id", "model", "provider"] {
        typed(quire, path, name, Value::is_string, findings);
    }
    typed(quire, path, "notes", Value::is_array, findings);
    for (number, note) in quire["notes"].as_array().into_iter().flatten().enumerate() {
        let place = format!("{path}.notes[{number}]");
        let members = Members::of(note, &place, findings)
            .required(&["code", "at", "effect", "message"])
            .optional(&["count"]);
        if members.check(findings) {
            typed(note, &place, "code", is_code, findings);
            typed(note, &place, "at", Value::is_string, findings);
            typed(note, &place, "effect", is_filled, findings);
            typed(note, &place, "message", is_filled, findings);
            typed(note, &place, "count", Value::is_u64, findings);
        }
    }
}

/// Words of small letters and digits, joined by single dashes.
fn is_code(code: &Value) -> bool {
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    code.as_str().is_some_and(|code| code.split('-').all(word))
}
