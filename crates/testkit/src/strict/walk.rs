//! Small ways to walk a request body, so that a rule is one expression.

use serde_json::{Map, Value};

use super::Finding;

/// A finding at a place.
pub(super) fn at(place: impl Into<String>) -> Option<Finding> {
    Some(Finding { at: place.into(), what: String::new() })
}

/// A finding at a place, with what the words name.
pub(super) fn found(place: impl Into<String>, what: impl ToString) -> Option<Finding> {
    Some(Finding { at: place.into(), what: what.to_string() })
}

/// The elements of an array member, with their places; nothing where it is no array.
pub(super) fn list<'a>(
    value: &'a Value,
    place: &str,
    member: &str,
) -> impl Iterator<Item = (String, &'a Value)> + use<'a> {
    let name = if place.is_empty() { member.to_owned() } else { format!("{place}.{member}") };
    let elements = value[member].as_array().map(Vec::as_slice).unwrap_or_default();
    elements.iter().enumerate().map(move |(index, value)| (format!("{name}[{index}]"), value))
}

/// The messages.
pub(super) fn messages(body: &Value) -> impl Iterator<Item = (String, &Value)> {
    list(body, "", "messages")
}

/// The role of a message, or an empty string.
pub(super) fn role(message: &Value) -> &str {
    message["role"].as_str().unwrap_or_default()
}

/// The content parts of every message, with their places and messages.
pub(super) fn parts(body: &Value) -> impl Iterator<Item = (String, &Value, &Value)> {
    messages(body).flat_map(|(place, message)| {
        list(message, &place, "content").map(move |(place, part)| (place, part, message))
    })
}

/// The tool calls of every message, with their places.
pub(super) fn calls(body: &Value) -> impl Iterator<Item = (String, &Value)> {
    messages(body).flat_map(|(place, message)| list(message, &place, "tool_calls"))
}

/// The ids of one message's tool calls.
pub(super) fn call_ids(message: &Value) -> Vec<&str> {
    list(message, "", "tool_calls").filter_map(|(_, call)| call["id"].as_str()).collect()
}

/// The declared tools.
pub(super) fn tools(body: &Value) -> impl Iterator<Item = (String, &Value)> {
    list(body, "", "tools")
}

/// The declared functions, with the places of their `function` members.
pub(super) fn functions(body: &Value) -> impl Iterator<Item = (String, &Value)> {
    tools(body)
        .filter(|(_, tool)| tool["function"].is_object())
        .map(|(place, tool)| (format!("{place}.function"), &tool["function"]))
}

/// Whether a member is there at all, null included.
pub(super) fn has(value: &Value, member: &str) -> bool {
    value.get(member).is_some()
}

/// A member that is there and not null.
pub(super) fn given<'a>(value: &'a Value, member: &str) -> Option<&'a Value> {
    value.get(member).filter(|value| !value.is_null())
}

/// The members of an object; nothing for anything else.
pub(super) fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

/// The first member of an object that is not in the list.
pub(super) fn stranger<'a>(value: &'a Value, known: &[&str]) -> Option<&'a str> {
    members(value).map(|(name, _)| name.as_str()).find(|name| !known.contains(name))
}

/// How OpenAI's words call a type.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a decimal",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Whether a name fits `^[a-zA-Z0-9_-]+$`.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// The text of every message and text part, joined.
pub(super) fn all_text(body: &Value) -> String {
    let whole = messages(body).filter_map(|(_, message)| message["content"].as_str());
    let parts = parts(body).filter_map(|(_, part, _)| part["text"].as_str());
    whole.chain(parts).collect::<Vec<_>>().join("\n")
}
