//! Reads a Chat Completions request as it reached the upstream: tools by name, roles, calls, and
//! results. It looks only; the strict upstream has judged the request before.

use serde_json::Value;

/// The tools offered, by their whole names.
pub fn tools(body: &Value) -> Vec<&str> {
    list(&body["tools"]).filter_map(|tool| tool["function"]["name"].as_str()).collect()
}

/// The whole name under which a tool of the client is offered: its name alone, or behind a
/// namespace.
pub fn offered<'a>(body: &'a Value, tool: &str) -> Option<&'a str> {
    tools(body).into_iter().find(|name| name.ends_with(tool))
}

/// The definition of a tool, found as [`offered`] finds its name.
pub fn tool<'a>(body: &'a Value, name: &str) -> Option<&'a Value> {
    list(&body["tools"])
        .find(|tool| tool["function"]["name"].as_str().is_some_and(|whole| whole.ends_with(name)))
}

/// The roles of the messages, in order.
pub fn roles(body: &Value) -> Vec<&str> {
    messages(body).filter_map(|message| message["role"].as_str()).collect()
}

/// The messages of one role.
pub fn of_role<'a>(body: &'a Value, role: &'a str) -> impl Iterator<Item = &'a Value> {
    messages(body).filter(move |message| message["role"] == role)
}

/// The calls in the history: id, name, arguments.
pub fn calls(body: &Value) -> Vec<(&str, &str, Value)> {
    messages(body)
        .flat_map(|message| list(&message["tool_calls"]))
        .map(|call| {
            let function = &call["function"];
            let arguments = function["arguments"].as_str().unwrap_or_default();
            (
                call["id"].as_str().unwrap_or_default(),
                function["name"].as_str().unwrap_or_default(),
                serde_json::from_str(arguments).unwrap_or(Value::Null),
            )
        })
        .collect()
}

/// The results in the history: the id of the call, and the text.
pub fn results(body: &Value) -> Vec<(&str, String)> {
    of_role(body, "tool")
        .map(|message| (message["tool_call_id"].as_str().unwrap_or_default(), text(message)))
        .collect()
}

/// The text of a message, its parts joined.
pub fn text(message: &Value) -> String {
    match &message["content"] {
        Value::String(text) => text.clone(),
        parts => list(parts).filter_map(|part| part["text"].as_str()).collect(),
    }
}

/// The URLs of the images in the messages, in order.
pub fn images(body: &Value) -> Vec<&str> {
    messages(body)
        .flat_map(|message| list(&message["content"]))
        .filter_map(|part| part["image_url"]["url"].as_str())
        .collect()
}

fn messages(body: &Value) -> impl Iterator<Item = &Value> {
    list(&body["messages"])
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
