//! A client of Responses that keeps its own history, as Codex does.

use serde_json::{Value, json};

use super::{Called, Usage, arguments, count, describe, events, list, parameters, text};
use crate::scene::{Answer, Asks, Finish, Format, Input, Piece, Speaks, Speech, Tool, schema};

pub(super) fn message(role: &str, text: &str) -> Value {
    let content = json!([{"type": "input_text", "text": text}]);
    json!({"type": "message", "role": role, "content": content})
}

fn part(piece: &Piece) -> Value {
    match piece {
        Piece::Text(text) => json!({"type": "input_text", "text": text}),
        Piece::Image(url) => json!({"type": "input_image", "image_url": url}),
        Piece::Pdf(name, data) => json!({"type": "input_file", "filename": name,
            "file_data": format!("data:application/pdf;base64,{data}")}),
    }
}

fn parts(pieces: &[Piece]) -> Value {
    pieces.iter().map(part).collect()
}

pub(super) fn user(pieces: &[Piece]) -> Value {
    json!({"type": "message", "role": "user", "content": parts(pieces)})
}

pub(super) fn result(called: &Called, pieces: &[Piece]) -> Value {
    let kind = if called.is_free { "custom_tool_call_output" } else { "function_call_output" };
    let output = match pieces {
        [Piece::Text(text)] => json!(text),
        pieces => parts(pieces),
    };
    json!({"type": kind, "call_id": called.id, "output": output})
}

pub(super) fn said(speech: &Speech, tools: &[Tool]) -> Vec<Value> {
    let item = |part: &Speaks| match part {
        Speaks::Text(text) => json!({"type": "message", "role": "assistant",
            "content": [{"type": "output_text", "text": text, "annotations": []}]}),
        Speaks::Refusal(text) => json!({"type": "message", "role": "assistant",
            "content": [{"type": "refusal", "refusal": text}]}),
        Speaks::Thought(_) | Speaks::Redacted(_) => {
            panic!("no scene remembers a thought that nobody sealed")
        }
        Speaks::Call { id, tool, input: Input::Arguments(text) } => {
            json!({"type": "function_call", "call_id": id, "name": tools[*tool].name,
                "arguments": text})
        }
        Speaks::Call { id, tool, input: Input::Free(text) } => {
            json!({"type": "custom_tool_call", "call_id": id, "name": tools[*tool].name,
                "input": text})
        }
    };
    speech.parts.iter().map(item).collect()
}

fn declare(tool: &Tool) -> Value {
    match tool.grammar {
        Some(grammar) => json!({"type": "custom", "name": tool.name, "description": describe(tool),
            "format": {"type": "grammar", "syntax": "lark", "definition": grammar}}),
        None => json!({"type": "function", "name": tool.name, "description": describe(tool),
            "parameters": parameters(), "strict": false}),
    }
}

pub(super) fn request(asks: &Asks, system: &[(&str, String)], history: &[Value]) -> Value {
    let mut system = system.iter();
    let mut body = json!({"store": false, "include": ["reasoning.encrypted_content"]});
    let mut input = Vec::new();
    if let Some((_, text)) = system.next() {
        body["instructions"] = json!(text);
    }
    input.extend(system.map(|(role, text)| message(role, text)));
    input.extend(history.iter().cloned());
    body["input"] = json!(input);
    let mut tools: Vec<Value> = Vec::new();
    for tool in &asks.tools {
        let Some(space) = tool.namespace else {
            tools.push(declare(tool));
            continue;
        };
        match tools.iter_mut().find(|known| known["type"] == "namespace" && known["name"] == space)
        {
            Some(known) => known["tools"].as_array_mut().expect("tools").push(declare(tool)),
            None => tools.push(json!({"type": "namespace", "name": space, "description": space,
                "tools": [declare(tool)]})),
        }
    }
    if !tools.is_empty() {
        body["tools"] = json!(tools);
    }
    if let Some(effort) = asks.effort {
        body["reasoning"] = json!({"effort": effort, "summary": "auto"});
    }
    if let Some(limit) = asks.limit {
        body["max_output_tokens"] = json!(limit);
    }
    match asks.format {
        Format::Text => {}
        Format::Object => body["text"] = json!({"format": {"type": "json_object"}}),
        Format::Schema => {
            body["text"] = json!({"format": {"type": "json_schema", "name": "paint",
                "schema": schema(), "strict": true}});
        }
    }
    body
}

pub(super) fn read(object: &Value) -> Answer {
    let mut answer = Answer::default();
    for item in list(&object["output"]) {
        let name = match item["namespace"].as_str() {
            Some(space) => format!("{space}.{}", text(&item["name"])),
            None => text(&item["name"]),
        };
        match item["type"].as_str().unwrap_or_default() {
            "message" => {
                for part in list(&item["content"]) {
                    answer.text.push_str(part["text"].as_str().unwrap_or_default());
                    answer.refusal.push_str(part["refusal"].as_str().unwrap_or_default());
                }
            }
            "reasoning" => {
                for part in list(&item["summary"]).chain(list(&item["content"])) {
                    answer.reasoning.push_str(&text(&part["text"]));
                }
            }
            "function_call" => {
                answer.calls.push((text(&item["call_id"]), name, arguments(&item["arguments"])));
            }
            "custom_tool_call" => {
                answer.calls.push((text(&item["call_id"]), name, item["input"].clone()));
            }
            _ => {}
        }
    }
    answer.finish = match (object["status"].as_str(), answer.calls.is_empty()) {
        (Some("completed"), true) => Finish::Stop,
        (Some("completed"), false) => Finish::Calls,
        (Some("incomplete"), _) => match object["incomplete_details"]["reason"].as_str() {
            Some("max_output_tokens") => Finish::Length,
            Some("content_filter") => Finish::Filtered,
            other => Finish::Failed(format!("incomplete for {other:?}")),
        },
        (Some("failed"), _) => Finish::Failed(text(&object["error"]["message"])),
        (other, _) => Finish::Failed(format!("status {other:?}")),
    };
    let usage = &object["usage"];
    answer.usage = Usage {
        input: count(usage, "/input_tokens"),
        cached: count(usage, "/input_tokens_details/cached_tokens"),
        written: count(usage, "/input_tokens_details/cache_write_tokens"),
        output: count(usage, "/output_tokens"),
        reasoning: count(usage, "/output_tokens_details/reasoning_tokens"),
    };
    answer
}

/// The response at the end of a stream, whose failure is in it.
pub(super) fn fold(stream: &str) -> (Value, Option<String>) {
    let ends = ["response.completed", "response.incomplete", "response.failed"];
    let mut events = events(stream).into_iter();
    let last = events.find(|event| event["type"].as_str().is_some_and(|kind| ends.contains(&kind)));
    (last.unwrap_or_else(|| panic!("no end: {stream}"))["response"].clone(), None)
}

/// The text that a stream showed as it came.
pub(super) fn shown(stream: &str) -> String {
    let events = events(stream).into_iter();
    let deltas = events.filter(|event| event["type"] == "response.output_text.delta");
    deltas.map(|event| text(&event["delta"])).collect()
}
