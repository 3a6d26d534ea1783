//! What a Messages request holds.

use serde_json::Value;

use super::{list, text_of};

/// The tools offered; a server tool has a name too.
pub fn tools(body: &Value) -> Vec<&str> {
    list(&body["tools"]).filter_map(|tool| tool["name"].as_str()).collect()
}

/// The definition of a tool whose name ends so.
pub fn tool<'a>(body: &'a Value, name: &str) -> Option<&'a Value> {
    list(&body["tools"])
        .find(|tool| tool["name"].as_str().is_some_and(|whole| whole.ends_with(name)))
}

/// The blocks of the messages with their roles, in order. A string is one block of text, which
/// [`texts`] reads.
pub fn blocks(body: &Value) -> impl Iterator<Item = (&str, &Value)> {
    list(&body["messages"]).flat_map(|message| {
        let role = message["role"].as_str().unwrap_or_default();
        list(&message["content"]).map(move |block| (role, block))
    })
}

pub(super) fn instructions(body: &Value) -> String {
    let own = text_of(&body["system"]);
    let later = list(&body["messages"])
        .filter(|message| message["role"] == "system")
        .map(|message| text_of(&message["content"]));
    std::iter::once(own).chain(later).collect::<Vec<_>>().join("\n")
}

pub(super) fn said(body: &Value, role: &str) -> Vec<String> {
    list(&body["messages"])
        .filter(|message| message["role"] == role)
        .map(|message| match &message["content"] {
            Value::String(text) => text.clone(),
            blocks => texts(blocks),
        })
        .filter(|text| !text.is_empty())
        .collect()
}

/// The texts among blocks, joined.
fn texts(blocks: &Value) -> String {
    list(blocks)
        .filter(|block| block["type"] == "text")
        .filter_map(|block| block["text"].as_str())
        .collect()
}

pub(super) fn calls(body: &Value) -> Vec<(&str, &str, Value)> {
    of_type(body, "tool_use")
        .map(|block| {
            let text = |name: &str| block[name].as_str().unwrap_or_default();
            (text("id"), text("name"), block["input"].clone())
        })
        .collect()
}

pub(super) fn results(body: &Value) -> Vec<(&str, String)> {
    of_type(body, "tool_result")
        .map(|block| {
            (block["tool_use_id"].as_str().unwrap_or_default(), text_of(&block["content"]))
        })
        .collect()
}

pub(super) fn images(body: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (_, block) in blocks(body) {
        let inner = if block["type"] == "tool_result" { &block["content"] } else { &Value::Null };
        for block in std::iter::once(block).chain(list(inner)) {
            if block["type"] == "image" {
                found.push(url(&block["source"]));
            }
        }
    }
    found
}

fn url(source: &Value) -> String {
    let text = |name: &str| source[name].as_str().unwrap_or_default();
    match text("type") {
        "base64" => format!("data:{};base64,{}", text("media_type"), text("data")),
        _ => text("url").to_owned(),
    }
}

pub(super) fn reasoning(body: &Value) -> Vec<String> {
    of_type(body, "thinking")
        .map(|block| block["thinking"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// The blocks of one type, in order.
pub fn of_type<'a>(body: &'a Value, kind: &'a str) -> impl Iterator<Item = &'a Value> {
    blocks(body).map(|(_, block)| block).filter(move |block| block["type"] == kind)
}
