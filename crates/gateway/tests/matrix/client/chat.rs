//! A client of Chat Completions.

use serde_json::{Value, json};

use super::{Usage, arguments, count, describe, events, list, parameters, text};
use crate::scene::{Answer, Asks, Finish, Format, Input, Piece, Speaks, Speech, Tool, schema};

pub(super) fn message(role: &str, text: &str) -> Value {
    json!({"role": role, "content": text})
}

fn part(piece: &Piece) -> Value {
    match piece {
        Piece::Text(text) => json!({"type": "text", "text": text}),
        Piece::Image(url) => json!({"type": "image_url", "image_url": {"url": url}}),
        Piece::Pdf(name, data) => json!({"type": "file", "file": {"filename": name,
            "file_data": format!("data:application/pdf;base64,{data}")}}),
    }
}

pub(super) fn user(pieces: &[Piece]) -> Value {
    match pieces {
        [Piece::Text(text)] => message("user", text),
        pieces => {
            json!({"role": "user", "content": pieces.iter().map(part).collect::<Vec<_>>()})
        }
    }
}

/// The result, and what of it only the user can show.
pub(super) fn result(id: &str, pieces: &[Piece]) -> (Value, Vec<Piece>) {
    let words = pieces.iter().filter_map(|piece| match piece {
        Piece::Text(text) => Some(text.as_str()),
        _ => None,
    });
    let shown = pieces.iter().filter(|piece| !matches!(piece, Piece::Text(_))).cloned();
    let content: String = words.collect();
    (json!({"role": "tool", "tool_call_id": id, "content": content}), shown.collect())
}

pub(super) fn said(speech: &Speech, tools: &[Tool]) -> Value {
    let mut message = json!({"role": "assistant", "content": null});
    for part in &speech.parts {
        match part {
            Speaks::Text(text) => message["content"] = json!(text),
            Speaks::Redacted(_) => panic!("no scene remembers what nobody may read"),
            Speaks::Refusal(text) => message["refusal"] = json!(text),
            Speaks::Thought(text) => message["reasoning_content"] = json!(text),
            Speaks::Call { id, tool, input: Input::Arguments(text) } => {
                let call = json!({"id": id, "type": "function",
                    "function": {"name": tools[*tool].name, "arguments": text}});
                let mut calls = message["tool_calls"].as_array().cloned().unwrap_or_default();
                calls.push(call);
                message["tool_calls"] = json!(calls);
            }
            Speaks::Call { .. } => panic!("no scene calls free tools in Chat Completions"),
        }
    }
    message
}

pub(super) fn request(asks: &Asks, system: &[(&str, String)], history: &[Value]) -> Value {
    let before = system.iter().map(|(role, text)| message(role, text));
    let messages: Vec<Value> = before.chain(history.iter().cloned()).collect();
    let mut body = json!({"messages": messages});
    if !asks.tools.is_empty() {
        let tool = |tool: &Tool| {
            json!({"type": "function", "function": {"name": tool.name,
                "description": describe(tool), "parameters": parameters()}})
        };
        body["tools"] = asks.tools.iter().map(tool).collect();
    }
    if let Some(effort) = asks.effort {
        body["reasoning_effort"] = json!(effort);
    }
    if let Some(stop) = asks.stop {
        body["stop"] = json!([stop]);
    }
    if let Some(limit) = asks.limit {
        body["max_completion_tokens"] = json!(limit);
    }
    match asks.format {
        Format::Text => {}
        Format::Object => body["response_format"] = json!({"type": "json_object"}),
        Format::Schema => {
            body["response_format"] = json!({"type": "json_schema",
                "json_schema": {"name": "paint", "schema": schema(), "strict": true}});
        }
    }
    body
}

pub(super) fn read(object: &Value) -> Answer {
    let choice = &object["choices"][0];
    let message = &choice["message"];
    let call = |call: &Value| {
        let function = &call["function"];
        (text(&call["id"]), text(&function["name"]), arguments(&function["arguments"]))
    };
    let usage = &object["usage"];
    Answer {
        text: text(&message["content"]),
        reasoning: text(&message["reasoning_content"]),
        refusal: text(&message["refusal"]),
        calls: list(&message["tool_calls"]).map(call).collect(),
        finish: match choice["finish_reason"].as_str() {
            Some("stop") => Finish::Stop,
            Some("tool_calls") => Finish::Calls,
            Some("length") => Finish::Length,
            Some("content_filter") => Finish::Filtered,
            other => Finish::Failed(format!("finish_reason {other:?}")),
        },
        usage: Usage {
            input: count(usage, "/prompt_tokens"),
            cached: count(usage, "/prompt_tokens_details/cached_tokens"),
            written: count(usage, "/prompt_tokens_details/cache_write_tokens"),
            output: count(usage, "/completion_tokens"),
            reasoning: count(usage, "/completion_tokens_details/reasoning_tokens"),
        },
        model: String::new(),
    }
}

/// How a stream failed, if it did.
pub(super) fn failure(stream: &str) -> Option<String> {
    let error = events(stream).into_iter().find(|event| event["error"].is_object())?;
    Some(text(&error["error"]["message"]))
}
