//! Rules of one response object that no schema says: its status and what depends on it, its
//! tokens, its ids.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Findings, Rule};

/// Judges a response object that is an answer of its own.
pub(super) fn judge(response: &Value, findings: &mut Findings) {
    let status = response["status"].as_str().unwrap_or_default();
    if !matches!(status, "completed" | "incomplete" | "failed") && response["background"] != true {
        let message = format!("an answer cannot have the status `{status}`");
        findings.say_in("status", Rule::Status, message);
    }
    ending(response, status, findings);
    tokens(&response["usage"], findings);
    items(response, findings);
}

/// Judges what a status makes of the members that depend on it.
pub(super) fn ending(response: &Value, status: &str, findings: &mut Findings) {
    let mut expect = |member: &str, wanted: bool| {
        if response[member].is_null() == wanted {
            let verb = if wanted { "needs" } else { "cannot have" };
            let message = format!("a response that is `{status}` {verb} `{member}`");
            findings.say_in(member, Rule::Status, message);
        }
    };
    expect("error", status == "failed");
    expect("incomplete_details", status == "incomplete");
    expect("completed_at", status == "completed");
    match status {
        "completed" | "incomplete" => expect("usage", true),
        "in_progress" | "queued" => expect("usage", false),
        _ => {}
    }
    if response["completed_at"]
        .as_i64()
        .is_some_and(|end| Some(end) < response["created_at"].as_i64())
    {
        let message = "the response was completed before it was created";
        findings.say_in("completed_at", Rule::Status, message);
    }
}

/// Judges that the counts of a usage add up.
pub(super) fn tokens(usage: &Value, findings: &mut Findings) {
    if !usage.is_object() {
        return;
    }
    let count = |pointer: &str| usage.pointer(pointer).and_then(Value::as_i64).unwrap_or_default();
    let (input, output) = (count("/input_tokens"), count("/output_tokens"));
    let cached = count("/input_tokens_details/cached_tokens");
    let written = count("/input_tokens_details/cache_write_tokens");
    let reasoning = count("/output_tokens_details/reasoning_tokens");
    if count("/total_tokens") != input + output {
        let message = format!(
            "`total_tokens` is {}, but {input} and {output} were used",
            count("/total_tokens")
        );
        findings.say_in("usage", Rule::Usage, message);
    }
    if cached + written > input {
        let message = format!("{cached} cached and {written} written of {input} input tokens");
        findings.say_in("usage", Rule::Usage, message);
    }
    if reasoning > output {
        let message = format!("{reasoning} reasoning of {output} output tokens");
        findings.say_in("usage", Rule::Usage, message);
    }
    if [input, output, cached, written, reasoning].iter().any(|count| *count < 0) {
        findings.say_in("usage", Rule::Usage, "a count is negative");
    }
}

/// Judges the items of a finished response: their ids, their statuses, their parts.
pub(super) fn items(response: &Value, findings: &mut Findings) {
    let status = response["status"].as_str().unwrap_or_default();
    let (mut ids, mut calls) = (BTreeSet::new(), BTreeSet::new());
    for (index, item) in response["output"].as_array().into_iter().flatten().enumerate() {
        let path = format!("output[{index}]");
        if item["id"].as_str().is_some_and(|id| id.is_empty() || !ids.insert(id)) {
            findings.say_in(&path, Rule::Identity, "the item's id is empty or used twice");
        }
        if item["call_id"].as_str().is_some_and(|id| id.is_empty() || !calls.insert(id)) {
            findings.say_in(&path, Rule::Identity, "the call's `call_id` is empty or used twice");
        }
        finished(item, status, &path, findings);
    }
}

/// Judges one finished item of a response with this status.
pub(super) fn finished(item: &Value, response: &str, path: &str, findings: &mut Findings) {
    match item["status"].as_str() {
        Some(status @ ("in_progress" | "searching")) => {
            let message = format!("a finished item cannot be `{status}`");
            findings.say_in(path, Rule::Status, message);
        }
        Some("incomplete") if response == "completed" => {
            let message = "an item of a completed response cannot be `incomplete`";
            findings.say_in(path, Rule::Status, message);
        }
        _ => {}
    }
    let kind = item["type"].as_str().unwrap_or_default();
    if kind == "message" && item["role"] != "assistant" {
        findings.say_in(path, Rule::Shape, "an answer's message is the assistant's");
    }
    if kind == "web_search_call" && item["status"] == "completed" && item["action"].is_null() {
        findings.say_in(path, Rule::Missing, "a finished search needs its `action`");
    }
    for (member, fitting) in places(kind) {
        for part in item[*member].as_array().into_iter().flatten() {
            let part = part["type"].as_str().unwrap_or_default();
            if !fitting.contains(&part) {
                let message = format!("a part `{part}` does not belong in `{member}` of `{kind}`");
                findings.say_in(path, Rule::Shape, message);
            }
        }
    }
    let shown = |member: &str| item[member].as_array().is_some_and(|parts| !parts.is_empty());
    if kind == "reasoning" && shown("summary") && shown("content") {
        findings.say_in(path, Rule::TwoForms, "reasoning is a summary or text, not both");
    }
}

/// The members of an item that hold parts, each with the parts that belong there.
pub(super) fn places(kind: &str) -> &'static [(&'static str, &'static [&'static str])] {
    match kind {
        "message" => &[("content", &["output_text", "refusal"])],
        "reasoning" => &[("content", &["reasoning_text"]), ("summary", &["summary_text"])],
        _ => &[],
    }
}
