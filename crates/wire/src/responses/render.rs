//! A [`Turn`] to a Responses request.
//!
//! Nothing is kept on the server: `store` is false, what the model thought comes back encrypted and
//! travels with the client, and the whole conversation is in `input`. System text at the start goes
//! into `instructions`, which every server reads, whatever roles it knows.

use super::offer::{Offered, tool_choice};
use super::write_items;
use crate::fault::Fault;
use crate::json::{Escaped, Kind, Tape, Value, quote_into};
use crate::names::{self, Names};
use crate::note::{Code, Notes};
use crate::schema;
use crate::strict_schema::is_strict;
use crate::target::{Member, Quirk, Rendered, Structured, Target};
use crate::turn::{Effort, Format, Item, Part, Schema, Summary, Turn, Vault};
use std::borrow::Cow;
use std::fmt::Write as _;

/// The least limit of output tokens that OpenAI accepts.
const LEAST_TOKENS: u64 = 16;

/// Writes the request into `out`, which should have room for it.
///
/// # Errors
/// The turn holds nothing that the target can be told.
pub fn render(
    turn: &Turn<'_>,
    target: &Target,
    vault: &dyn Vault,
    out: String,
    notes: &mut Notes,
) -> Result<Rendered, Fault> {
    let mut out = out;
    let mut names = Names::default();
    let offered = Offered::of(turn, target, notes, &mut names);
    out.push_str("{\"model\":");
    quote_into(&target.model, &mut out);
    let (system, items) = turn.items.split_at(write_items::leading(&turn.items));
    if !system.is_empty() {
        out.push_str(",\"instructions\":\"");
        write_items::instructions(system, notes, &mut out);
        out.push('"');
    }
    out.push_str(",\"input\":[");
    if !write_items::write(items, target, &names, vault, notes, &mut out) {
        let text = "the conversation holds nothing that this model can be told";
        return Err(Fault::bad_request("input", text));
    }
    out.push(']');
    offered.write(target, notes, &mut out);
    tool_choice(&turn.tool_choice, &offered, target, &names, notes, &mut out);
    settings(turn, items, &offered, target, notes, &mut out);
    out.push('}');
    Ok(Rendered { body: out, names })
}

fn settings(
    turn: &Turn<'_>,
    items: &[Item<'_>],
    offered: &Offered<'_, '_>,
    target: &Target,
    notes: &mut Notes,
    out: &mut String,
) {
    let settings = &turn.settings;
    if let Some(parallel) = settings.parallel_tool_calls.filter(|_| !offered.is_empty()) {
        if target.takes("parallel_tool_calls") {
            write!(out, ",\"parallel_tool_calls\":{parallel}").expect("a String takes every write");
        } else if !parallel {
            notes.add(Code::ParallelIgnored, "parallel_tool_calls");
        }
    }
    text(turn, items, target, notes, out);
    if let Some(asked) = settings.max_output_tokens {
        let limit = target.max_output_tokens.map_or(asked, |max| max.min(asked));
        if limit < asked {
            notes.add(Code::MaxTokensClamped, "max_output_tokens");
        }
        if limit < LEAST_TOKENS {
            notes.add(Code::MaxTokensRaised, "max_output_tokens");
        }
        write!(out, ",\"max_output_tokens\":{}", limit.max(LEAST_TOKENS))
            .expect("a String takes every write");
    }
    if !settings.stop.is_empty() {
        notes.add(Code::FieldIgnored, "stop");
    }
    for &(name, raw) in &settings.shared {
        match accepted(name, raw, target, notes) {
            Some(raw) => write!(out, ",\"{name}\":{raw}").expect("a String takes every write"),
            None => notes.add(Code::FieldIgnored, name),
        }
    }
    if let Some(key) = settings.cache_key().filter(|_| target.takes("prompt_cache_key")) {
        write!(out, ",\"prompt_cache_key\":\"{key}\"").expect("a String takes every write");
    }
    reasoning(turn, target, notes, out);
    if target.takes("store") {
        out.push_str(",\"store\":false");
    }
    include(offered, target, out);
    if settings.stream {
        out.push_str(",\"stream\":true");
    }
}

/// The value that is sent for a shared member, if the target accepts it.
fn accepted<'r>(
    name: &'static str,
    raw: &'r str,
    target: &Target,
    notes: &mut Notes,
) -> Option<Cow<'r, str>> {
    if !target.takes(name) {
        return None;
    }
    let mut tape = Tape::default();
    let value = tape.read(raw).ok()?;
    let text = value.as_str().map(|text| text.text().into_owned());
    match name {
        "user" | "safety_identifier" | "prompt_cache_key" => {
            let Some(short) = names::shortened(&text?) else { return Some(Cow::Borrowed(raw)) };
            notes.add(Code::IdShortened, name);
            let mut quoted = String::new();
            quote_into(&short, &mut quoted);
            Some(Cow::Owned(quoted))
        }
        "service_tier" => ["auto", "default", "flex", "priority", "fast"]
            .contains(&text?.as_str())
            .then_some(Cow::Borrowed(raw)),
        "metadata" => is_metadata(value).then_some(Cow::Borrowed(raw)),
        _ => Some(Cow::Borrowed(raw)),
    }
}

/// Whether OpenAI accepts these as metadata: at most 16 strings, none of them long.
fn is_metadata(value: Value<'_, '_>) -> bool {
    value.kind() == Kind::Object
        && value.members().count() <= 16
        && value.members().all(|(key, value)| {
            key.text().chars().count() <= 64
                && value.as_str().is_some_and(|text| text.text().chars().count() <= 512)
        })
}

/// `text`: the form of the answer and how much it says.
fn text(turn: &Turn<'_>, items: &[Item<'_>], target: &Target, notes: &mut Notes, out: &mut String) {
    let mut members = String::new();
    format(&turn.settings.format, items, target, notes, &mut members);
    if let Some(verbosity) = &turn.settings.verbosity {
        let known = ["low", "medium", "high"].contains(&verbosity.escaped());
        if known && target.takes("verbosity") {
            write!(members, ",\"verbosity\":\"{}\"", verbosity.escaped())
                .expect("a String takes every write");
        } else {
            notes.add(Code::FieldIgnored, "text.verbosity");
        }
    }
    if let Some(first) = members.strip_prefix(',') {
        out.push_str(",\"text\":{");
        out.push_str(first);
        out.push('}');
    }
}

fn format(
    format: &Format<'_>,
    items: &[Item<'_>],
    target: &Target,
    notes: &mut Notes,
    out: &mut String,
) {
    match (format, target.structured) {
        (Format::Text, _) => {}
        (Format::JsonSchema { name, description, schema, strict }, Structured::Schema) => {
            let Some(accepted) = answer_schema(schema, target, notes) else { return };
            out.push_str(r#","format":{"type":"json_schema","name":""#);
            out.push_str(&names::legal(name));
            out.push('"');
            if let Some(description) = description {
                out.push_str(",\"description\":\"");
                out.push_str(description.escaped());
                out.push('"');
            }
            let follows = *strict == Some(true) && is_strict(&accepted);
            if *strict == Some(true) && !follows {
                notes.add(Code::StrictIgnored, "text.format.strict");
            }
            write!(out, ",\"strict\":{follows},\"schema\":{accepted}}}")
                .expect("a String takes every write");
        }
        (Format::JsonObject, Structured::Schema)
            if mentions_json(items) && !target.has(Quirk::NoJsonObject) =>
        {
            out.push_str(r#","format":{"type":"json_object"}"#);
        }
        // The same wish in words that nobody refuses.
        (Format::JsonObject, Structured::Schema) => out.push_str(
            r#","format":{"type":"json_schema","name":"object","strict":false,"schema":{"type":"object","properties":{}}}"#,
        ),
        (format, Structured::Object) if mentions_json(items) => {
            if matches!(format, Format::JsonSchema { .. }) {
                notes.add(Code::SchemaAsObject, "text.format");
            }
            out.push_str(r#","format":{"type":"json_object"}"#);
        }
        (_, Structured::Object | Structured::None) => notes.add(Code::FormatIgnored, "text.format"),
    }
}

/// The schema of an answer as servers accept it. One that does not describe an object cannot be
/// asked for.
fn answer_schema<'a>(raw: &'a str, target: &Target, notes: &mut Notes) -> Option<Cow<'a, str>> {
    let mut tape = Tape::default();
    let value = tape.read(raw).ok()?;
    let named = value.get("type").and_then(Value::as_str);
    if named.is_some_and(|kind| !kind.is("object")) || value.kind() != Kind::Object {
        notes.add(Code::FormatIgnored, "text.format.schema");
        return None;
    }
    let mut mended = Notes::default();
    let accepted = schema::accepted(Some(Schema::of(value)), target, &mut mended);
    for note in mended.list() {
        notes.add(note.code, "text.format.schema");
    }
    Some(accepted)
}

/// Whether a message says `json`: OpenAI refuses `json_object` unless one does, and does not look
/// into `instructions`.
fn mentions_json(items: &[Item<'_>]) -> bool {
    let says = |text: &Escaped<'_>| {
        let text = text.escaped().as_bytes();
        [&b"json"[..], b"JSON"].iter().any(|word| memchr::memmem::find(text, word).is_some())
    };
    items.iter().any(|item| match item {
        Item::Message { parts, .. } => {
            parts.iter().any(|part| matches!(part, Part::Text(text) if says(text)))
        }
        _ => false,
    })
}

/// The members that ask for an effort, those that every request carries, and the wish to see a
/// summary of what the model thinks.
fn reasoning(turn: &Turn<'_>, target: &Target, notes: &mut Notes, out: &mut String) {
    let row = turn.settings.effort.and_then(|effort| match target.efforts.get(effort) {
        Some(row) => {
            if row.acts_as != effort {
                notes.add(Code::EffortMapped, "reasoning.effort");
            }
            Some(row)
        }
        None => {
            notes.add(Code::EffortIgnored, "reasoning.effort");
            None
        }
    });
    let thinks =
        !target.efforts.rows().is_empty() && row.is_none_or(|row| row.acts_as != Effort::None);
    let mut summary = thinks && turn.settings.summary == Summary::Wanted;
    let members = row.map_or(&[][..], |row| &row.members);
    let overridden = |name: &str| members.iter().any(|member| member.name == name);
    let always = target.always.iter().filter(|member| !overridden(&member.name));
    for Member { name, json } in always.chain(members) {
        write!(out, ",\"{name}\":").expect("a String takes every write");
        match json.strip_suffix('}').filter(|_| summary && name == "reasoning") {
            Some(open) if !json.contains("\"summary\"") => {
                let comma = if open.trim_end().ends_with('{') { "" } else { "," };
                write!(out, "{open}{comma}\"summary\":\"auto\"}}")
                    .expect("a String takes every write");
            }
            _ => out.push_str(json),
        }
        summary &= name != "reasoning";
    }
    if summary {
        out.push_str(r#","reasoning":{"summary":"auto"}"#);
    }
}

/// What the answer should bring beside itself: the reasoning, so that it survives the turn, and
/// where a search found what it found.
fn include(offered: &Offered<'_, '_>, target: &Target, out: &mut String) {
    if !target.takes("include") {
        return;
    }
    // A model that does not think refuses to be asked for its thoughts.
    let thinks = !target.efforts.rows().is_empty();
    let wanted = [
        (thinks, "\"reasoning.encrypted_content\""),
        (offered.searches(), "\"web_search_call.action.sources\""),
    ];
    let wanted: Vec<&str> =
        wanted.into_iter().filter(|(wanted, _)| *wanted).map(|(_, word)| word).collect();
    if !wanted.is_empty() {
        write!(out, ",\"include\":[{}]", wanted.join(",")).expect("a String takes every write");
    }
}
