//! What reached an upstream, in no dialect's words: the conversation as a flat list of what was said,
//! called and answered, in order, and the tools that were offered. Roles that a dialect merges and
//! messages that it splits look the same here; what was lost or reordered does not.

use serde_json::{Value, json};
use testkit::Dialect;

use crate::scene::{Add, Format, Input, Offered, Piece, Speaks, Speech};

/// One thing of a conversation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Atom {
    /// The system or the developer said this.
    Instruction(String),
    User(Piece),
    Assistant(String),
    /// The model's own reasoning, as far as it can be read, and whether its seal came with it.
    Thought(String, bool),
    Call(String, String, Value),
    /// Of the call with this id.
    Result(String, Piece),
}

/// Everything that was said in a request.
pub(crate) fn conversation(dialect: Dialect, body: &Value) -> Vec<Atom> {
    let mut atoms = Vec::new();
    match dialect {
        Dialect::Chat => chat(body, &mut atoms),
        Dialect::Messages => messages(body, &mut atoms),
        Dialect::Responses => responses(body, &mut atoms),
    }
    atoms
}

/// What is added to the conversation, if nothing is lost. `ids` are those of the last calls.
pub(crate) fn added(add: &Add, offered: &[Offered], ids: &mut Vec<String>) -> Vec<Atom> {
    match add {
        Add::System(text) | Add::Developer(text) => vec![Atom::Instruction(text.clone())],
        Add::User(pieces) => pieces.iter().cloned().map(Atom::User).collect(),
        Add::Said(speech) => said(speech, offered, ids),
        Add::Result(call, pieces) => {
            pieces.iter().map(|piece| Atom::Result(ids[*call].clone(), piece.clone())).collect()
        }
    }
}

/// What the model said, as it would come back if nothing is lost.
pub(crate) fn said(speech: &Speech, offered: &[Offered], ids: &mut Vec<String>) -> Vec<Atom> {
    ids.clear();
    let atom = |part: &Speaks| match part {
        Speaks::Thought(text) => Atom::Thought(text.clone(), true),
        Speaks::Redacted(_) => Atom::Thought(String::new(), true),
        Speaks::Text(text) | Speaks::Refusal(text) => Atom::Assistant(text.clone()),
        Speaks::Call { id, tool, input } => {
            ids.push(id.clone());
            let tool = &offered[*tool];
            let input = match input {
                Input::Free(text) if !tool.is_free => json!({ "input": text }),
                input => input.value(),
            };
            Atom::Call(id.clone(), tool.name.clone(), input)
        }
    };
    speech.parts.iter().map(atom).collect()
}

/// The tools of a request, in their order, by the names that the model must call.
pub(crate) fn offered(dialect: Dialect, body: &Value) -> Vec<Offered> {
    let mut offered = Vec::new();
    for tool in list(&body["tools"]) {
        let name =
            text(if dialect == Dialect::Chat { &tool["function"]["name"] } else { &tool["name"] });
        match tool["type"].as_str() {
            Some("namespace") => {
                for inner in list(&tool["tools"]) {
                    let name = format!("{name}.{}", text(&inner["name"]));
                    offered.push(Offered { name, is_free: inner["type"] == "custom" });
                }
            }
            kind => offered.push(Offered { name, is_free: kind == Some("custom") }),
        }
    }
    offered
}

/// The form that the answer must have, and its schema, where the dialect has it.
pub(crate) fn format(dialect: Dialect, body: &Value) -> (Format, Value) {
    let (format, schema) = match dialect {
        Dialect::Chat => {
            let format = &body["response_format"];
            (format, &format["json_schema"]["schema"])
        }
        Dialect::Messages => {
            let format = &body["output_config"]["format"];
            (format, &format["schema"])
        }
        Dialect::Responses => {
            let format = &body["text"]["format"];
            (format, &format["schema"])
        }
    };
    match format["type"].as_str() {
        Some("json_schema") => (Format::Schema, schema.clone()),
        Some("json_object") => (Format::Object, Value::Null),
        _ => (Format::Text, Value::Null),
    }
}

/// The texts at which the model stops, and how much it may write.
pub(crate) fn limits(dialect: Dialect, body: &Value) -> (Vec<String>, Option<u64>) {
    let (stop, limit) = match dialect {
        Dialect::Chat => {
            let newer = &body["max_completion_tokens"];
            (&body["stop"], if newer.is_u64() { newer } else { &body["max_tokens"] })
        }
        Dialect::Messages => (&body["stop_sequences"], &body["max_tokens"]),
        Dialect::Responses => (&Value::Null, &body["max_output_tokens"]),
    };
    let stop = match stop {
        Value::String(text) => vec![text.clone()],
        stops => list(stops).map(text).collect(),
    };
    (stop, limit.as_u64())
}

fn chat(body: &Value, atoms: &mut Vec<Atom>) {
    for message in list(&body["messages"]) {
        let pieces = pieces(&message["content"], |part| match part["type"].as_str() {
            Some("image_url") => Some(Piece::Image(text(&part["image_url"]["url"]))),
            Some("file") => file(&part["file"]["filename"], &part["file"]["file_data"]),
            _ => None,
        });
        match message["role"].as_str().unwrap_or_default() {
            "system" | "developer" => atoms.extend(words(pieces).map(Atom::Instruction)),
            "user" => atoms.extend(pieces.into_iter().map(Atom::User)),
            "tool" => {
                let id = text(&message["tool_call_id"]);
                atoms.extend(results(&id, pieces));
            }
            "assistant" => {
                let thought = ["reasoning_content", "reasoning"]
                    .iter()
                    .find_map(|name| message[name].as_str());
                atoms.extend(thought.map(|text| Atom::Thought(text.to_owned(), true)));
                atoms.extend(words(pieces).map(Atom::Assistant));
                atoms.extend(
                    message["refusal"].as_str().map(|text| Atom::Assistant(text.to_owned())),
                );
                for call in list(&message["tool_calls"]) {
                    let function = &call["function"];
                    let input = arguments(&function["arguments"]);
                    atoms.push(Atom::Call(text(&call["id"]), text(&function["name"]), input));
                }
            }
            other => panic!("nobody has the role `{other}`"),
        }
    }
}

fn messages(body: &Value, atoms: &mut Vec<Atom>) {
    let block = |block: &Value| match block["type"].as_str() {
        Some("image") => Some(Piece::Image(source(&block["source"]))),
        Some("document") => file(&block["title"], &json!(source(&block["source"]))),
        _ => None,
    };
    atoms.extend(words(pieces(&body["system"], block)).map(Atom::Instruction));
    for message in list(&body["messages"]) {
        let content = match &message["content"] {
            Value::String(text) => json!([{"type": "text", "text": text}]),
            content => content.clone(),
        };
        for value in list(&content) {
            let one = || pieces(&json!([value]), block).into_iter();
            match (value["type"].as_str().unwrap_or_default(), message["role"].as_str()) {
                ("tool_use", _) => atoms.push(Atom::Call(
                    text(&value["id"]),
                    text(&value["name"]),
                    value["input"].clone(),
                )),
                ("tool_result", _) => {
                    let id = text(&value["tool_use_id"]);
                    atoms.extend(results(&id, pieces(&value["content"], block)));
                }
                ("thinking", _) => {
                    let sealed = value["signature"].as_str().is_some_and(|seal| !seal.is_empty());
                    atoms.push(Atom::Thought(text(&value["thinking"]), sealed));
                }
                ("redacted_thinking", _) => {
                    atoms.push(Atom::Thought(String::new(), value["data"].is_string()));
                }
                (_, Some("assistant")) => atoms.extend(words(one().collect()).map(Atom::Assistant)),
                (_, Some("system")) => atoms.extend(words(one().collect()).map(Atom::Instruction)),
                _ => atoms.extend(one().map(Atom::User)),
            }
        }
    }
}

fn responses(body: &Value, atoms: &mut Vec<Atom>) {
    let part = |part: &Value| match part["type"].as_str() {
        Some("input_image") => Some(Piece::Image(text(&part["image_url"]))),
        Some("input_file") => file(&part["filename"], &part["file_data"]),
        Some("refusal") => Some(Piece::Text(text(&part["refusal"]))),
        _ => None,
    };
    atoms.extend(body["instructions"].as_str().map(|text| Atom::Instruction(text.to_owned())));
    if let Some(text) = body["input"].as_str() {
        atoms.push(Atom::User(Piece::Text(text.to_owned())));
    }
    for item in list(&body["input"]) {
        let name = match item["namespace"].as_str() {
            Some(space) => format!("{space}.{}", text(&item["name"])),
            None => text(&item["name"]),
        };
        let id = text(&item["call_id"]);
        match item["type"].as_str().unwrap_or("message") {
            "message" => {
                let said = pieces(&item["content"], part);
                match item["role"].as_str().unwrap_or_default() {
                    "user" => atoms.extend(said.into_iter().map(Atom::User)),
                    "assistant" => atoms.extend(words(said).map(Atom::Assistant)),
                    _ => atoms.extend(words(said).map(Atom::Instruction)),
                }
            }
            "reasoning" => {
                let shown: String =
                    list(&item["summary"]).map(|part| text(&part["text"])).collect();
                atoms.push(Atom::Thought(shown, item["encrypted_content"].is_string()));
            }
            "function_call" => atoms.push(Atom::Call(id, name, arguments(&item["arguments"]))),
            "custom_tool_call" => atoms.push(Atom::Call(id, name, item["input"].clone())),
            "function_call_output" | "custom_tool_call_output" => {
                atoms.extend(results(&id, pieces(&item["output"], part)));
            }
            other => panic!("no scene makes an item `{other}`"),
        }
    }
}

/// The pieces of a content: text, or what `read` makes of a part.
fn pieces(content: &Value, read: impl Fn(&Value) -> Option<Piece>) -> Vec<Piece> {
    if let Some(text) = content.as_str() {
        return vec![Piece::Text(text.to_owned())];
    }
    let piece = |part: &Value| read(part).unwrap_or_else(|| Piece::Text(text(&part["text"])));
    list(content).map(piece).collect()
}

/// What a call brought; one that brought nothing is answered all the same.
fn results(id: &str, mut pieces: Vec<Piece>) -> impl Iterator<Item = Atom> {
    if pieces.is_empty() {
        pieces.push(Piece::Text(String::new()));
    }
    pieces.into_iter().map(|piece| Atom::Result(id.to_owned(), piece))
}

fn words(pieces: Vec<Piece>) -> impl Iterator<Item = String> {
    pieces.into_iter().map(|piece| match piece {
        Piece::Text(text) => text,
        other => panic!("only the user shows {other:?}"),
    })
}

fn source(source: &Value) -> String {
    match source["type"].as_str() {
        Some("base64") => {
            format!("data:{};base64,{}", text(&source["media_type"]), text(&source["data"]))
        }
        _ => text(&source["url"]),
    }
}

/// A PDF. Its name is one that a scene uses.
fn file(name: &Value, data: &Value) -> Option<Piece> {
    let name =
        if name == crate::scenes::PDF_NAME { crate::scenes::PDF_NAME } else { "another name" };
    let data = text(data);
    Some(Piece::Pdf(name, data.strip_prefix("data:application/pdf;base64,")?.to_owned()))
}

fn arguments(value: &Value) -> Value {
    let text = value.as_str().unwrap_or_else(|| panic!("arguments are a string, not {value}"));
    serde_json::from_str(text).unwrap_or_else(|_| json!({ "not JSON": text }))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
