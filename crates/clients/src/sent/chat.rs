//! What a Chat Completions request holds.

use serde_json::Value;

use super::{list, text_of};

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

pub(super) fn instructions(body: &Value) -> String {
    let instructs =
        |message: &&Value| message["role"] == "system" || message["role"] == "developer";
    messages(body).filter(instructs).map(text).collect::<Vec<_>>().join("\n")
}

pub(super) fn said(body: &Value, role: &str) -> Vec<String> {
    of_role(body, role).map(text).filter(|text| !text.is_empty()).collect()
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
    text_of(&message["content"])
}

/// The URLs of the images in the messages, in order.
pub fn images(body: &Value) -> Vec<String> {
    messages(body)
        .flat_map(|message| list(&message["content"]))
        .filter_map(|part| part["image_url"]["url"].as_str().map(str::to_owned))
        .collect()
}

pub(super) fn reasoning(body: &Value) -> Vec<String> {
    let named = |message: &Value| {
        let text = message["reasoning_content"].as_str().or(message["reasoning"].as_str());
        text.map(str::to_owned)
    };
    of_role(body, "assistant").filter_map(named).filter(|text| !text.is_empty()).collect()
}

fn messages(body: &Value) -> impl Iterator<Item = &Value> {
    list(&body["messages"])
}
