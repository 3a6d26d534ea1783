//! What a stream adds up to, as the SDKs of clients add it up, and the form in which it is compared
//! with a whole answer. It takes what it can from a stream that is wrong.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::shape::argument_of;
use crate::sse;

/// The whole answer that these chunks add up to.
pub(super) fn fold(text: &str) -> Value {
    let mut answer = json!({"object": "chat.completion"});
    let mut choices: BTreeMap<u64, Value> = BTreeMap::new();
    let chunks = sse::parse(text).into_iter().filter_map(|event| {
        serde_json::from_str::<Value>(&event.data).ok().filter(|chunk| chunk["choices"].is_array())
    });
    for chunk in chunks {
        for (name, value) in chunk.as_object().into_iter().flatten() {
            let kept = !matches!(name.as_str(), "object" | "choices");
            if kept && !value.is_null() {
                answer[name] = value.clone();
            }
        }
        for choice in chunk["choices"].as_array().into_iter().flatten() {
            let index = choice["index"].as_u64().unwrap_or_default();
            let whole = choices.entry(index).or_insert_with(
                || json!({"index": index, "finish_reason": null, "message": {"content": null}}),
            );
            if !choice["finish_reason"].is_null() {
                whole["finish_reason"] = choice["finish_reason"].clone();
            }
            add(&mut whole["message"], &choice["delta"]);
        }
    }
    answer["choices"] = choices.into_values().collect();
    answer
}

/// Adds a delta to a message.
fn add(message: &mut Value, delta: &Value) {
    for (name, value) in delta.as_object().into_iter().flatten() {
        match (name.as_str(), value) {
            (_, Value::Null) => {}
            ("role", role) => message["role"] = role.clone(),
            ("tool_calls", Value::Array(calls)) => {
                calls.iter().for_each(|call| add_call(message, call));
            }
            (name, Value::Array(entries)) => {
                let mut list = message[name].as_array().cloned().unwrap_or_default();
                list.extend(entries.iter().cloned());
                message[name] = Value::Array(list);
            }
            (name, Value::String(text)) => {
                let before = message[name].as_str().unwrap_or_default();
                message[name] = json!(format!("{before}{text}"));
            }
            (name, value) => message[name] = value.clone(),
        }
    }
}

/// Adds a piece of a call to the call of its index.
fn add_call(message: &mut Value, piece: &Value) {
    let mut calls = message["tool_calls"].as_array().cloned().unwrap_or_default();
    let index = piece["index"].as_u64().and_then(|index| usize::try_from(index).ok());
    let index = index.unwrap_or(calls.len()).min(calls.len());
    if index == calls.len() {
        let mut call = piece.clone();
        call.as_object_mut().map(|members| members.remove("index"));
        calls.push(call);
    } else {
        let call = &mut calls[index];
        let (member, argument) = argument_of(call["type"].as_str().unwrap_or_default());
        let before = call[member][argument].as_str().unwrap_or_default().to_owned();
        let more = piece[member][argument].as_str().unwrap_or_default();
        call[member][argument] = json!(format!("{before}{more}"));
    }
    message["tool_calls"] = Value::Array(calls);
}

/// An answer without what a stream and a whole answer rightly tell differently: members that are
/// empty or null, pieces of reasoning details, the number of the request.
pub(super) fn comparable(mut answer: Value) -> Value {
    for choice in answer["choices"].as_array_mut().into_iter().flatten() {
        if let Some(members) = choice.as_object_mut() {
            members.remove("logprobs");
        }
        let Some(message) = choice["message"].as_object_mut() else { continue };
        if let Some(Value::Array(details)) = message.get("reasoning_details") {
            let joined = joined(details);
            message.insert("reasoning_details".into(), joined);
        }
        message.retain(|_, value| !value.is_null() && value != "" && *value != json!([]));
    }
    if let Some(quire) = answer["quire"].as_object_mut() {
        quire.remove("request_id");
    }
    answer
}

/// Reasoning details with the pieces of each entry joined, as clients join them.
fn joined(details: &[Value]) -> Value {
    let mut whole: Vec<Map<String, Value>> = Vec::new();
    for piece in details.iter().filter_map(Value::as_object) {
        let same = |entry: &&mut Map<String, Value>| {
            ["type", "index", "id"].iter().all(|name| entry.get(*name) == piece.get(*name))
        };
        match whole.last_mut().filter(same) {
            None => whole.push(piece.clone()),
            Some(entry) => {
                for (name, value) in piece {
                    let is_text = matches!(name.as_str(), "text" | "summary" | "data");
                    let before = entry.get(name).and_then(Value::as_str).unwrap_or_default();
                    let value = match value.as_str().filter(|_| is_text) {
                        Some(more) => json!(format!("{before}{more}")),
                        None => value.clone(),
                    };
                    entry.insert(name.clone(), value);
                }
            }
        }
    }
    json!(whole)
}
