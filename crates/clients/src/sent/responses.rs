//! What a Responses request holds.

use serde_json::{Value, json};

use super::{list, text_of};

/// The tools offered, those of namespaces among them; a hosted tool is called by its type.
pub fn tools(body: &Value) -> Vec<&str> {
    declared(body)
        .filter_map(|tool| tool["name"].as_str().or_else(|| tool["type"].as_str()))
        .collect()
}

/// The definition of a tool whose name ends so.
pub fn tool<'a>(body: &'a Value, name: &str) -> Option<&'a Value> {
    declared(body).find(|tool| tool["name"].as_str().is_some_and(|whole| whole.ends_with(name)))
}

fn declared(body: &Value) -> impl Iterator<Item = &Value> {
    list(&body["tools"]).flat_map(|tool| {
        let inner = list(&tool["tools"]);
        let own = (tool["type"] != "namespace").then_some(tool);
        own.into_iter().chain(inner)
    })
}

pub(super) fn instructions(body: &Value) -> String {
    let own = body["instructions"].as_str().unwrap_or_default().to_owned();
    let later = messages(body)
        .filter(|item| item["role"] == "system" || item["role"] == "developer")
        .map(|item| text_of(&item["content"]));
    std::iter::once(own).chain(later).collect::<Vec<_>>().join("\n")
}

pub(super) fn said(body: &Value, role: &str) -> Vec<String> {
    if let (Value::String(prompt), "user") = (&body["input"], role) {
        return vec![prompt.clone()];
    }
    messages(body)
        .filter(|item| item["role"] == role)
        .map(|item| text_of(&item["content"]))
        .filter(|text| !text.is_empty())
        .collect()
}

/// The messages of the input; the type of a message may be left out.
fn messages(body: &Value) -> impl Iterator<Item = &Value> {
    list(&body["input"]).filter(|item| item["role"].is_string())
}

pub(super) fn calls(body: &Value) -> Vec<(&str, &str, Value)> {
    list(&body["input"])
        .filter_map(|item| {
            let text = |name: &str| item[name].as_str().unwrap_or_default();
            let arguments = match text("type") {
                "function_call" => serde_json::from_str(text("arguments")).unwrap_or(Value::Null),
                "custom_tool_call" => json!({"input": item["input"]}),
                _ => return None,
            };
            Some((text("call_id"), text("name"), arguments))
        })
        .collect()
}

pub(super) fn results(body: &Value) -> Vec<(&str, String)> {
    outputs(body)
        .map(|item| (item["call_id"].as_str().unwrap_or_default(), text_of(&item["output"])))
        .collect()
}

fn outputs(body: &Value) -> impl Iterator<Item = &Value> {
    list(&body["input"]).filter(|item| {
        item["type"] == "function_call_output" || item["type"] == "custom_tool_call_output"
    })
}

pub(super) fn images(body: &Value) -> Vec<String> {
    list(&body["input"])
        .flat_map(|item| list(&item["content"]).chain(list(&item["output"])))
        .filter_map(|part| part["image_url"].as_str().map(str::to_owned))
        .collect()
}

pub(super) fn reasoning(body: &Value) -> Vec<String> {
    list(&body["input"])
        .filter(|item| item["type"] == "reasoning")
        .map(|item| match text_of(&item["content"]) {
            text if text.is_empty() => text_of(&item["summary"]),
            text => text,
        })
        .collect()
}
