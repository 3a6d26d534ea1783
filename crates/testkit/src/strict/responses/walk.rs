//! Ways to walk the body of a Responses request: its items, their parts, its tools.

use serde_json::Value;

use super::super::walk::list;

/// The input items, with their places.
pub(super) fn items(body: &Value) -> impl Iterator<Item = (String, &Value)> {
    list(body, "", "input")
}

/// The kind of an item. One without a `type` is a message.
pub(super) fn kind_of(item: &Value) -> &str {
    match item.get("type") {
        None | Some(Value::Null) => "message",
        Some(kind) => kind.as_str().unwrap_or_default(),
    }
}

/// The items of this kind.
pub(super) fn items_of<'a>(
    body: &'a Value,
    kind: &'static str,
) -> impl Iterator<Item = (String, &'a Value)> {
    items(body).filter(move |(_, item)| kind_of(item) == kind)
}

/// The messages.
pub(super) fn messages(body: &Value) -> impl Iterator<Item = (String, &Value)> {
    items_of(body, "message")
}

/// The content parts of messages and of tool outputs, with their items.
pub(super) fn parts(body: &Value) -> impl Iterator<Item = (String, &Value, &Value)> {
    items(body).flat_map(|(place, item)| {
        let member = match kind_of(item) {
            "message" => "content",
            "function_call_output" | "custom_tool_call_output" => "output",
            _ => "",
        };
        list(item, &place, member).map(move |(place, part)| (place, part, item))
    })
}

/// Every tool that is declared: in `tools`, and in the items that bring tools along.
pub(super) fn top_tools(body: &Value) -> impl Iterator<Item = (String, &Value)> {
    let brought = items(body)
        .filter(|(_, item)| matches!(kind_of(item), "additional_tools" | "tool_search_output"))
        .flat_map(|(place, item)| list(item, &place, "tools"));
    list(body, "", "tools").chain(brought)
}

/// The same, and the tools inside namespaces.
pub(super) fn tools(body: &Value) -> impl Iterator<Item = (String, &Value)> {
    top_tools(body).flat_map(|(place, tool)| {
        let inner = if tool["type"] == "namespace" { "tools" } else { "" };
        let inside: Vec<_> = list(tool, &place, inner).collect();
        std::iter::once((place, tool)).chain(inside)
    })
}

/// The functions among them.
pub(super) fn functions(body: &Value) -> impl Iterator<Item = (String, &Value)> {
    tools(body).filter(|(_, tool)| tool["type"] == "function")
}

/// The text of every message, which is where the word `json` must stand. Instructions do not count.
pub(super) fn input_text(body: &Value) -> String {
    let whole = messages(body).filter_map(|(_, message)| message["content"].as_str());
    let parts = parts(body).filter_map(|(_, part, _)| part["text"].as_str());
    body["input"].as_str().into_iter().chain(whole).chain(parts).collect::<Vec<_>>().join("\n")
}

/// A list as OpenAI writes it in a sentence: `'a', 'b', and 'c'`.
pub(super) fn listed(values: &[&str]) -> String {
    let quoted: Vec<String> = values.iter().map(|value| format!("'{value}'")).collect();
    match quoted.as_slice() {
        [one, other] => format!("{one} and {other}"),
        [head @ .., last] if !head.is_empty() => format!("{}, and {last}", head.join(", ")),
        _ => quoted.concat(),
    }
}
