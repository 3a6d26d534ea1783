//! A minimal valid Chat Completions request around one thing of the world, and the same without it.

use serde_json::{Value, json};
use wire::fates::Section;

/// A request with one thing in it, and where that thing stands.
pub(crate) struct Carrier {
    pub(crate) request: Value,
    /// JSON pointer to the field's parent, the message, the part, the tool or the schema.
    at: String,
}

impl Carrier {
    /// The request that carries `path` of `section`.
    pub(crate) fn of(section: Section, path: &str) -> Self {
        let (kind, member) = path.split_once('.').unwrap_or((path, ""));
        match section {
            Section::Field => Self::field(path),
            Section::Value => Self::word(path),
            Section::Role => Self::message(kind, member),
            Section::Part => Self::part(kind, member),
            Section::Tool => Self::tool(kind, member),
            Section::Schema => Self::keyword(path),
            Section::Item | Section::Block => unreachable!("Chat requests have none"),
        }
    }

    /// The request without `path`, which was given to [`Carrier::of`] or is above that path.
    pub(crate) fn without(&self, section: Section, path: &str) -> Value {
        let mut request = self.request.clone();
        let member = match section {
            Section::Field | Section::Schema => Some(path),
            Section::Value => path.split(['=', '.']).next(),
            _ => path.split_once('.').map(|(_, member)| member),
        };
        match member {
            Some(member) => {
                let thing = request.pointer_mut(&self.at);
                remove(thing.expect("the carrier knows where its thing stands"), member);
            }
            None => {
                let (list, index) = self.at.rsplit_once('/').expect("things stand in lists");
                let list = request.pointer_mut(list).and_then(Value::as_array_mut);
                list.expect("things stand in lists").remove(index.parse().expect("an index"));
            }
        }
        request
    }

    fn field(path: &str) -> Self {
        let mut request = plain();
        let top = path.split('.').next().unwrap_or(path);
        let value = match top {
            "model" | "messages" => None,
            "tool_choice" => Some(match path {
                "tool_choice.custom" | "tool_choice.custom.name" => named("custom", "c"),
                path if path.starts_with("tool_choice.allowed_tools") => {
                    json!({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [named("function", "f")]}})
                }
                _ => named("function", "f"),
            }),
            "response_format" => Some(json!({"type": "json_schema", "json_schema": {
                "name": "n", "description": "d", "strict": true, "schema": {"type": "object"}}})),
            "web_search_options" => {
                let approximate =
                    json!({"city": "c", "country": "x", "region": "r", "timezone": "t"});
                Some(json!({"search_context_size": "low",
                    "user_location": {"type": "approximate", "approximate": approximate}}))
            }
            "stream_options" => Some(match path {
                "stream_options.include_obfuscation" => json!({"include_obfuscation": true}),
                _ => json!({"include_usage": true}),
            }),
            "reasoning" => Some(match path.split_once('.').map(|(_, member)| member) {
                Some("enabled") => json!({"enabled": false}),
                Some("exclude") => json!({"exclude": true}),
                Some("max_tokens") => json!({"max_tokens": 5}),
                Some("summary") => json!({"summary": "auto"}),
                _ => json!({"effort": "high"}),
            }),
            "functions" => Some(json!([{"name": "older", "description": "d", "parameters": {}}])),
            "function_call" => Some(json!({"name": "f"})),
            "tools" => Some(json!([function("f")])),
            "stream" | "store" | "logprobs" => Some(json!(true)),
            "include_reasoning" | "parallel_tool_calls" => Some(json!(false)),
            "max_tokens" | "max_completion_tokens" | "top_logprobs" | "top_k" | "seed" => {
                Some(json!(5))
            }
            "n" => Some(json!(1)),
            "temperature" | "top_p" | "top_a" | "min_p" | "repetition_penalty"
            | "presence_penalty" | "frequency_penalty" => Some(json!(0.5)),
            "logit_bias" | "metadata" => Some(json!({"1": "b"})),
            "modalities" => Some(json!(["text"])),
            "reasoning_effort" => Some(json!("high")),
            "service_tier" => Some(json!("priority")),
            "verbosity" => Some(json!("low")),
            _ if path.contains('.') => None,
            _ => Some(json!("x")),
        };
        if let Some(value) = value {
            request[top] = value;
        }
        set(&mut request, path);
        Self { request, at: String::new() }
    }

    fn word(path: &str) -> Self {
        let (field, word) = path.split_once('=').expect("a word belongs to a field");
        let mut request = plain();
        match field {
            "modalities" => request["modalities"] = json!([word]),
            "response_format.type" => {
                request["response_format"] =
                    json!({"type": word, "json_schema": {"name": "n", "schema": {}}});
            }
            "tool_choice.type" => {
                request["tool_choice"] = match word {
                    "allowed_tools" => {
                        json!({"type": word, "allowed_tools": {"mode": "auto", "tools": [named("function", "f")]}})
                    }
                    "custom" => named(word, "c"),
                    _ => named(word, "f"),
                };
            }
            "tool_choice.allowed_tools.mode" => {
                request["tool_choice"] = json!({"type": "allowed_tools", "allowed_tools": {"mode": word, "tools": [named("function", "f")]}});
            }
            _ => request[field] = json!(word),
        }
        // A word is gone with its field.
        Self { request, at: String::new() }
    }

    fn message(role: &str, member: &str) -> Self {
        let mut message = match (role, member.split('.').next()) {
            ("assistant", Some("tool_calls")) if member.contains("custom") => {
                json!({"role": role, "tool_calls": [{"id": "1", "type": "custom", "custom": {"name": "c", "input": "i"}}]})
            }
            ("assistant", Some("tool_calls")) => {
                json!({"role": role, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]})
            }
            ("assistant", Some("function_call")) => {
                json!({"role": role, "function_call": {"name": "f", "arguments": "{}"}})
            }
            ("assistant", Some("reasoning_details")) => {
                json!({"role": role, "content": "so", "reasoning_details": [{"type": "reasoning.encrypted", "data": "S"}]})
            }
            ("assistant", Some("annotations")) => {
                json!({"role": role, "content": "so", "annotations": [{}]})
            }
            ("tool", _) => json!({"role": role, "tool_call_id": "1", "content": "o"}),
            ("function", _) => json!({"role": role, "name": "f", "content": "o"}),
            _ => json!({"role": role, "content": "so"}),
        };
        set(&mut message, member);
        let mut request = plain();
        request["messages"].as_array_mut().expect("a list").push(message);
        Self { request, at: "/messages/1".to_owned() }
    }

    fn part(kind: &str, member: &str) -> Self {
        let mut part = match kind {
            "image_url" => json!({"type": kind, "image_url": {"url": "u"}}),
            "file" if member == "file.file_id" => json!({"type": kind, "file": {"file_id": "f"}}),
            "file" => json!({"type": kind, "file": {"filename": "n", "file_data": "d"}}),
            "refusal" => json!({"type": kind, "refusal": "no"}),
            "thinking" => json!({"type": kind, "thinking": "hm"}),
            "image" => json!({"type": kind, "source": {"type": "url", "url": "u"}}),
            "tool_use" => json!({"type": kind, "id": "1", "name": "f", "input": {"a": 1}}),
            "tool_result" if member == "is_error" => {
                json!({"type": kind, "tool_use_id": "1", "content": "o", "is_error": true})
            }
            "tool_result" => json!({"type": kind, "tool_use_id": "1", "content": "o"}),
            "input_audio" => json!({"type": kind, "input_audio": {"data": "", "format": "wav"}}),
            "text" => json!({"type": kind, "text": "t"}),
            _ => json!({"type": kind}),
        };
        set(&mut part, member);
        let role = match kind {
            "refusal" | "tool_use" | "thinking" | "redacted_thinking" => "assistant",
            _ => "user",
        };
        let mut request = plain();
        let content = json!([{"type": "text", "text": "see"}, part]);
        let messages = request["messages"].as_array_mut().expect("a list");
        messages.push(json!({"role": role, "content": content}));
        Self { request, at: "/messages/1/content/1".to_owned() }
    }

    fn tool(kind: &str, member: &str) -> Self {
        let mut tool = match kind {
            "function" => {
                json!({"type": kind, "function": {"name": "g", "description": "d", "parameters": {}, "strict": true}})
            }
            "custom" => {
                json!({"type": kind, "custom": {"name": "g", "description": "d", "format": {
                    "type": "grammar", "grammar": {"syntax": "lark", "definition": "start: /x/"}}}})
            }
            _ => json!({"type": kind}),
        };
        set(&mut tool, member);
        let mut request = plain();
        request["tools"].as_array_mut().expect("a list").push(tool);
        Self { request, at: "/tools/2".to_owned() }
    }

    fn keyword(name: &str) -> Self {
        let mut schema = json!({"type": "object", "properties": {"a": {}}});
        set(&mut schema, name);
        let mut request = plain();
        request["tools"][0]["function"]["parameters"] = schema;
        Self { request, at: "/tools/0/function/parameters".to_owned() }
    }
}

/// A request that asks for nothing special; its two tools can be chosen and called.
fn plain() -> Value {
    json!({
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "tools": [function("f"), {"type": "custom", "custom": {"name": "c"}}],
    })
}

fn function(name: &str) -> Value {
    json!({"type": "function", "function": {"name": name, "parameters": {}}})
}

fn named(kind: &str, name: &str) -> Value {
    json!({"type": kind, kind: {"name": name}})
}

/// Puts something at the dotted `path`, unless something is there; lists are entered at their first
/// element, what is missing is made.
fn set(value: &mut Value, path: &str) {
    if path.is_empty() {
        return;
    }
    let (name, rest) = path.split_once('.').unwrap_or((path, ""));
    let object = match value {
        Value::Array(list) => list.first_mut().expect("samples of lists are not empty"),
        other => other,
    };
    if object.is_null() || object.is_string() {
        *object = json!({});
    }
    if !rest.is_empty() {
        set(&mut object[name], rest);
    } else if object.get(name).is_none() {
        object[name] = json!("x");
    }
}

fn remove(value: &mut Value, path: &str) {
    let (name, rest) = path.split_once('.').unwrap_or((path, ""));
    let object = match value {
        Value::Array(list) => list.first_mut().expect("samples of lists are not empty"),
        other => other,
    };
    if rest.is_empty() {
        object.as_object_mut().expect("an object").remove(name).expect("the carrier carries it");
    } else {
        remove(&mut object[name], rest);
    }
}
