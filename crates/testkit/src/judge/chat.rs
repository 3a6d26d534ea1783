//! The judge of Chat Completions: whole streams, whole answers, and that both say the same. No
//! schema of Open Responses speaks of Chat, so every member that may stand somewhere is named
//! here, after the types of the OpenAI SDK and the few members that vendors added and clients read.
//! Start at [`stream`].

mod fold;
mod shape;
mod stream;
#[cfg(test)]
mod tests;

use serde_json::Value;

use super::{Complaint, Findings, Rule};
use shape::Members;

/// Judges a whole stream.
pub(super) fn stream(text: &str, include_usage: bool) -> Result<(), Vec<Complaint>> {
    stream::judge(text, include_usage)
}

/// The whole answer that a stream adds up to.
pub(super) fn fold(text: &str) -> Value {
    fold::fold(text)
}

/// Judges that a stream adds up to this answer.
pub(super) fn same(text: &str, answer: &Value) -> Result<(), Vec<Complaint>> {
    let mut findings = Findings::default();
    let (streamed, whole) = (fold::comparable(fold::fold(text)), fold::comparable(answer.clone()));
    for member in ["model", "choices", "usage", "quire"] {
        // A stream has its usage only when it was asked for.
        let is_unasked = member == "usage" && streamed[member].is_null();
        if streamed[member] != whole[member] && !is_unasked {
            let message = format!("streamed {}, whole {}", streamed[member], whole[member]);
            findings.say_in(member, Rule::Sum, message);
        }
    }
    findings.verdict()
}

/// Judges a whole answer.
pub(super) fn answer(answer: &Value) -> Result<(), Vec<Complaint>> {
    let mut findings = Findings::default();
    let body = Members::of(answer, "", &mut findings)
        .required(&["id", "object", "created", "model", "choices"])
        .optional(&["usage", "system_fingerprint", "service_tier", "quire"]);
    if !body.check(&mut findings) {
        return findings.verdict();
    }
    shape::envelope(answer, "chat.completion", &mut findings);
    let choices = answer["choices"].as_array().map(Vec::as_slice).unwrap_or_default();
    if choices.is_empty() {
        findings.say_in("choices", Rule::Shape, "an answer has a choice");
    }
    for (number, choice) in choices.iter().enumerate() {
        whole_choice(choice, number, &mut findings);
    }
    if !answer["usage"].is_null() {
        shape::usage(&answer["usage"], "usage", &mut findings);
    }
    shape::notes(&answer["quire"], "quire", &mut findings);
    findings.verdict()
}

fn whole_choice(choice: &Value, number: usize, findings: &mut Findings) {
    let path = format!("choices[{number}]");
    let members = Members::of(choice, &path, findings)
        .required(&["index", "message", "finish_reason"])
        .optional(&["logprobs"]);
    if !members.check(findings) {
        return;
    }
    if choice["index"].as_u64() != u64::try_from(number).ok() {
        findings.say_in(&path, Rule::Order, format!("the index is {}", choice["index"]));
    }
    let message = &choice["message"];
    let place = format!("{path}.message");
    let members = Members::of(message, &place, findings)
        .required(&["role", "content"])
        .optional(&shape::SPOKEN);
    if !members.check(findings) {
        return;
    }
    if message["role"] != "assistant" {
        findings.say_in(&place, Rule::Shape, "an answer's message is the assistant's");
    }
    shape::spoken(message, &place, findings);
    let calls = message["tool_calls"].as_array().map(Vec::as_slice);
    if calls.is_some_and(<[Value]>::is_empty) {
        findings.say_in(&place, Rule::Shape, "`tool_calls` is empty: it is left out then");
    }
    let mut ids = Vec::new();
    for (number, call) in calls.unwrap_or_default().iter().enumerate() {
        let place = format!("{place}.tool_calls[{number}]");
        if shape::call(call, &place, findings) {
            if ids.contains(&&call["id"]) {
                findings.say_in(&place, Rule::Identity, "the call's id is used twice");
            }
            ids.push(&call["id"]);
        }
    }
    shape::finish(&choice["finish_reason"], !ids.is_empty(), &path, findings);
}
