//! A client of Anthropic Messages.

use serde_json::{Value, json};
use testkit::judge;

use super::{Usage, count, describe, events, list, parameters, text};
use crate::scene::{Answer, Asks, Finish, Format, Piece, Speaks, Speech, Tool, schema};

/// What is asked for where a scene does not say.
const LIMIT: u64 = 8192;

pub(super) fn message(role: &str, content: Vec<Value>) -> Value {
    json!({"role": role, "content": content})
}

pub(super) fn system(text: &str) -> Value {
    json!({"role": "system", "content": text})
}

fn block(piece: &Piece) -> Value {
    match piece {
        Piece::Text(text) => json!({"type": "text", "text": text}),
        Piece::Image(url) => {
            match url.strip_prefix("data:").and_then(|url| url.split_once(";base64,")) {
                Some((kind, data)) => json!({"type": "image",
                "source": {"type": "base64", "media_type": kind, "data": data}}),
                None => json!({"type": "image", "source": {"type": "url", "url": url}}),
            }
        }
        Piece::Pdf(name, data) => json!({"type": "document", "title": name,
            "source": {"type": "base64", "media_type": "application/pdf", "data": data}}),
    }
}

pub(super) fn blocks(pieces: &[Piece]) -> Vec<Value> {
    pieces.iter().map(block).collect()
}

pub(super) fn result(id: &str, pieces: &[Piece]) -> Vec<Value> {
    vec![json!({"type": "tool_result", "tool_use_id": id, "content": blocks(pieces)})]
}

pub(super) fn said(speech: &Speech, tools: &[Tool]) -> Vec<Value> {
    let block = |part: &Speaks| match part {
        Speaks::Text(text) | Speaks::Refusal(text) => json!({"type": "text", "text": text}),
        Speaks::Redacted(_) => panic!("no scene remembers what nobody may read"),
        Speaks::Thought(text) => json!({"type": "thinking", "thinking": text,
            "signature": testkit::seal::seal(text)}),
        Speaks::Call { id, tool, input } => json!({"type": "tool_use", "id": id,
            "name": tools[*tool].name, "input": input.value()}),
    };
    speech.parts.iter().map(block).collect()
}

pub(super) fn request(asks: &Asks, system: &[(&str, String)], history: &[Value]) -> Value {
    let mut body = json!({"max_tokens": asks.limit.unwrap_or(LIMIT), "messages": history});
    if !system.is_empty() {
        let block = |(_, text): &(&str, String)| json!({"type": "text", "text": text});
        body["system"] = system.iter().map(block).collect();
    }
    if !asks.tools.is_empty() {
        let tool = |tool: &Tool| json!({"name": tool.name, "description": describe(tool), "input_schema": parameters()});
        body["tools"] = asks.tools.iter().map(tool).collect();
    }
    if asks.effort.is_some() {
        body["thinking"] = json!({"type": "enabled", "budget_tokens": 2048});
    }
    if let Some(stop) = asks.stop {
        body["stop_sequences"] = json!([stop]);
    }
    match asks.format {
        Format::Text => {}
        Format::Object => panic!("Messages has no such format"),
        Format::Schema => {
            body["output_config"] = json!({"format": {"type": "json_schema", "schema": schema()}});
        }
    }
    body
}

pub(super) fn read(object: &Value) -> Answer {
    let mut answer = Answer::default();
    for block in list(&object["content"]) {
        match block["type"].as_str().unwrap_or_default() {
            "text" => answer.text.push_str(&text(&block["text"])),
            "thinking" => answer.reasoning.push_str(&text(&block["thinking"])),
            "tool_use" => answer.calls.push((
                text(&block["id"]),
                text(&block["name"]),
                block["input"].clone(),
            )),
            _ => {}
        }
    }
    answer.finish = match object["stop_reason"].as_str() {
        Some("end_turn") => Finish::Stop,
        Some("tool_use") => Finish::Calls,
        Some("max_tokens") => Finish::Length,
        Some("refusal") => Finish::Filtered,
        Some("stop_sequence") => Finish::Sequence(text(&object["stop_sequence"])),
        other => Finish::Failed(format!("stop_reason {other:?}")),
    };
    let usage = &object["usage"];
    let cached = count(usage, "/cache_read_input_tokens");
    let written = count(usage, "/cache_creation_input_tokens");
    answer.usage = Usage {
        input: count(usage, "/input_tokens") + cached + written,
        cached,
        written,
        output: count(usage, "/output_tokens"),
        reasoning: count(usage, "/output_tokens_details/thinking_tokens"),
    };
    answer
}

/// The message that a stream adds up to, and how it failed if it did.
pub(super) fn fold(stream: &str) -> (Value, Option<String>) {
    let error = events(stream).into_iter().find(|event| event["type"] == "error");
    let mut frames = judge::frames(stream);
    frames.retain(|(name, _)| name != "error");
    let message = judge::messages_fold(&frames).unwrap_or_else(|why| panic!("{why}: {stream}"));
    (message, error.map(|error| text(&error["error"]["message"])))
}
