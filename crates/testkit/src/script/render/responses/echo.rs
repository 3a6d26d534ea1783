//! What a response repeats of its request, with the server's defaults for the rest, and which kind
//! of item a call becomes by how its tool was declared.

use serde_json::{Value, json};

use super::super::Asked;

/// Members that are repeated as they were sent, with what stands there otherwise.
fn defaults() -> Value {
    json!({
        "object": "response", "completed_at": null, "incomplete_details": null, "output": [],
        "error": null, "usage": null,
        "previous_response_id": null, "instructions": null, "tools": [], "tool_choice": "auto",
        "truncation": "disabled", "parallel_tool_calls": true,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0, "top_logprobs": 0,
        "temperature": 1, "reasoning": {"effort": null, "summary": null},
        "max_output_tokens": null, "max_tool_calls": null, "store": true, "background": false,
        "service_tier": "default", "metadata": {}, "safety_identifier": null,
        "prompt_cache_key": null,
    })
}

/// Members that only the response itself knows.
const OWN: [&str; 7] =
    ["object", "completed_at", "incomplete_details", "output", "error", "usage", "status"];

/// The response that nothing was generated for yet; its id, time, status and model are the caller's.
pub(super) fn response(request: &Value) -> Value {
    let mut response = defaults();
    for (name, value) in response.as_object_mut().expect("the defaults are an object") {
        let given = &request[name.as_str()];
        if given.is_null() || OWN.contains(&name.as_str()) {
            continue;
        }
        *value = match name.as_str() {
            "tools" => given.as_array().into_iter().flatten().map(tool).collect(),
            "text" => text(given),
            "reasoning" => filled(given, json!({"effort": null, "summary": null})),
            "service_tier" if given == "auto" => json!("default"),
            _ => given.clone(),
        };
    }
    response
}

/// A value over its defaults.
fn filled(given: &Value, mut defaults: Value) -> Value {
    for (name, value) in given.as_object().into_iter().flatten() {
        defaults[name] = value.clone();
    }
    defaults
}

fn tool(given: &Value) -> Value {
    if given["type"] == "function" {
        filled(given, json!({"description": null, "parameters": null, "strict": true}))
    } else {
        given.clone()
    }
}

fn text(given: &Value) -> Value {
    let mut text = filled(given, json!({"format": {"type": "text"}, "verbosity": "medium"}));
    if text["format"]["type"] == "json_schema" {
        text["format"] = filled(&text["format"], json!({"description": null, "strict": true}));
    }
    text
}

/// What a call becomes.
pub(super) struct Tool {
    /// The type of the item.
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) namespace: Option<String>,
}

impl Asked {
    /// Whether the request asks for this.
    pub(super) fn includes(&self, what: &str) -> bool {
        self.rest["include"].as_array().is_some_and(|list| list.iter().any(|word| word == what))
    }

    /// How the request declares the tool of this name. `namespace.name` is one of a namespace, and
    /// so is a bare name that only a namespace has; what is not declared is a function.
    pub(super) fn tool(&self, name: &str) -> Tool {
        let declared = self.rest["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
        let named = |tools: &[Value], name: &str| tools.iter().find(|t| t["name"] == name).cloned();
        let kind = |tool: &Value| match tool["type"].as_str() {
            Some("custom") => "custom_tool_call",
            _ => "function_call",
        };
        if let Some(tool) = named(declared, name).filter(|tool| tool["type"] != "namespace") {
            return Tool { kind: kind(&tool), name: name.into(), namespace: None };
        }
        if name == "tool_search" && declared.iter().any(|tool| tool["type"] == "tool_search") {
            return Tool { kind: "tool_search_call", name: name.into(), namespace: None };
        }
        let (space, bare) = match name.rsplit_once('.') {
            Some((space, bare)) => (Some(space), bare),
            None => (None, name),
        };
        for namespace in declared.iter().filter(|tool| tool["type"] == "namespace") {
            let inner = namespace["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
            if space.is_some_and(|space| namespace["name"] != space) {
                continue;
            }
            if let Some(tool) = named(inner, bare) {
                let namespace = namespace["name"].as_str().map(str::to_owned);
                return Tool { kind: kind(&tool), name: bare.into(), namespace };
            }
        }
        Tool { kind: "function_call", name: name.into(), namespace: None }
    }
}
