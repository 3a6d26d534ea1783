//! Rules of Messages: the members of an answer and of each event, by tables made after the answer
//! types of anthropic-2.11.0, and what no table says: order, sums, one end, truthful reasons.
//!
//! Two rules are stricter than Anthropic itself, for the answer's sake: a text block is not empty
//! and a thought is sealed, since a client sends both back and would be refused.

mod fold;
mod shape;
mod stream;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::Value;

pub(super) use fold::{fold, same};
pub(super) use stream::judge as judge_stream;

use super::{Findings, Rule};

/// Judges a whole message.
pub(super) fn judge_answer(message: &Value, findings: &mut Findings) {
    shape::MESSAGE.judge(message, "", findings);
    judge_name(message, "", findings);
    shape::USAGE.judge(&message["usage"], "usage", findings);
    let blocks: Vec<&Value> = message["content"].as_array().into_iter().flatten().collect();
    for (index, block) in blocks.iter().enumerate() {
        judge_block(block, &format!("content[{index}]"), findings);
    }
    judge_ids(&blocks, findings);
    if message["stop_reason"].is_null() {
        findings.say_in("stop_reason", Rule::Status, "a whole answer has a reason to stop");
    }
    judge_reason(message, &blocks, findings);
    judge_tokens(&message["usage"], findings);
}

/// Judges the id of a message.
fn judge_name(message: &Value, path: &str, findings: &mut Findings) {
    if let Some(id) = message["id"].as_str()
        && id.strip_prefix("msg_").is_none_or(str::is_empty)
    {
        let message = format!("`{id}` is not the id of a message");
        findings.say_in(&format!("{path}id"), Rule::Identity, message);
    }
}

/// Judges a finished block.
fn judge_block(block: &Value, path: &str, findings: &mut Findings) {
    let Some(shape) = shape::block(block, path, findings) else { return };
    shape.judge(block, path, findings);
    let is_empty = |member: &str| block[member].as_str().is_some_and(str::is_empty);
    match block["type"].as_str().unwrap_or_default() {
        "text" if is_empty("text") => {
            findings.say_in(path, Rule::Shape, "an empty text block cannot be sent back");
        }
        "thinking" if is_empty("signature") => {
            findings.say_in(path, Rule::Shape, "thinking without a signature cannot be sent back");
        }
        _ => {}
    }
    for (index, citation) in block["citations"].as_array().into_iter().flatten().enumerate() {
        shape::judge_citation(citation, &format!("{path}.citations[{index}]"), findings);
    }
}

/// Judges the ids of blocks: each call has its own, each result of a server's tool has its call.
fn judge_ids(blocks: &[&Value], findings: &mut Findings) {
    let mut ids = BTreeSet::new();
    for (index, block) in blocks.iter().enumerate() {
        let path = format!("content[{index}]");
        if let Some(id) = block["id"].as_str() {
            let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
            if id.is_empty() || !id.bytes().all(fits) {
                findings.say_in(&path, Rule::Identity, format!("`{id}` cannot be sent back"));
            }
            if !ids.insert(id) {
                findings.say_in(&path, Rule::Identity, format!("the id `{id}` is used twice"));
            }
        }
        if let Some(id) = block["tool_use_id"].as_str()
            && !ids.contains(id)
        {
            let message = format!("`{id}` is the result of no call before it");
            findings.say_in(&path, Rule::Identity, message);
        }
    }
}

/// Judges that the reason to stop fits what was said. `holder` has the reason and what belongs to
/// it: a whole message, or the `delta` of `message_delta`.
fn judge_reason(holder: &Value, blocks: &[&Value], findings: &mut Findings) {
    let reason = holder["stop_reason"].as_str().unwrap_or_default();
    let calls = blocks.iter().any(|block| block["type"] == "tool_use");
    let message = match (reason, calls) {
        ("tool_use", false) => "stops for a tool that it does not use",
        ("end_turn" | "stop_sequence", true) => "uses a tool and does not wait for its result",
        _ => "",
    };
    if !message.is_empty() {
        findings.say_in("stop_reason", Rule::Status, format!("the answer {message}"));
    }
    if (reason == "stop_sequence") == holder["stop_sequence"].is_null() {
        let message = format!("`stop_sequence` is {} with `{reason}`", holder["stop_sequence"]);
        findings.say_in("stop_sequence", Rule::Status, message);
    }
    if holder["stop_details"].is_object() && reason != "refusal" {
        let message = format!("there are no details of `{reason}`");
        findings.say_in("stop_details", Rule::Status, message);
    }
}

/// Judges that the counts of a usage add up.
fn judge_tokens(usage: &Value, findings: &mut Findings) {
    let count = |pointer: &str| usage.pointer(pointer).and_then(Value::as_u64);
    let output = count("/output_tokens").unwrap_or_default();
    if let Some(thinking) = count("/output_tokens_details/thinking_tokens")
        && thinking > output
    {
        let message = format!("{thinking} thinking of {output} output tokens");
        findings.say_in("usage", Rule::Usage, message);
    }
    let written = count("/cache_creation_input_tokens");
    let parts =
        ["5m", "1h"].map(|ttl| count(&format!("/cache_creation/ephemeral_{ttl}_input_tokens")));
    if let (Some(written), [Some(short), Some(long)]) = (written, parts)
        && written != short + long
    {
        let message = format!("{written} tokens were written, but {short} and {long}");
        findings.say_in("usage", Rule::Usage, message);
    }
}
