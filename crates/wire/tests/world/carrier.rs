//! A minimal valid request around one thing of the world, and the same request without it.

use serde_json::{Value, json};
use wire::fates::Section;

/// A request with one thing in it, and where that thing stands.
pub(crate) struct Carrier {
    pub(crate) request: Value,
    /// JSON pointer to the field's parent, the item, the part or the tool.
    at: String,
}

/// What the test's vault can open.
pub(crate) const SEALED: &str = "sealed-here";

impl Carrier {
    /// The request that carries `path` of `section`.
    pub(crate) fn of(section: Section, path: &str) -> Self {
        let (kind, member) = path.split_once('.').unwrap_or((path, ""));
        match section {
            Section::Field => Self::field(path),
            Section::Value => Self::word(path),
            Section::Item => Self::item(kind, member),
            Section::Part => Self::part(kind, member),
            Section::Tool => Self::tool(kind, member),
            Section::Schema => Self::keyword(path),
            Section::Role | Section::Block => unreachable!("Responses requests have none"),
        }
    }

    /// The request without `path`, which was given to [`Carrier::of`] or is above that path.
    pub(crate) fn without(&self, section: Section, path: &str) -> Value {
        let mut request = self.request.clone();
        let member = match section {
            // The label means nothing beside another choice.
            Section::Field if path == "tool_choice.server_label" => Some("tool_choice"),
            Section::Field | Section::Schema => Some(path),
            Section::Value => path.split(['=', '.']).next(),
            _ => path.split_once('.').map(|(_, member)| member),
        };
        match member {
            Some(member) => remove(self.target(&mut request), member),
            None => {
                let (list, index) = self.at.rsplit_once('/').expect("things stand in lists");
                let list = request.pointer_mut(list).and_then(Value::as_array_mut);
                list.expect("things stand in lists").remove(index.parse().expect("an index"));
            }
        }
        request
    }

    fn target<'r>(&self, request: &'r mut Value) -> &'r mut Value {
        request.pointer_mut(&self.at).expect("the carrier knows where its thing stands")
    }

    fn field(path: &str) -> Self {
        let mut request = plain();
        let top = path.split('.').next().unwrap_or(path);
        let deep = path.contains('.');
        let value = match top {
            "model" | "input" => return Self { request, at: String::new() },
            "tool_choice" => Some(match path {
                "tool_choice" | "tool_choice.type" | "tool_choice.name" => named("function", "f"),
                "tool_choice.server_label" => json!({"type": "mcp", "server_label": "s"}),
                _ => {
                    json!({"type": "allowed_tools", "mode": "required", "tools": [named("function", "f")]})
                }
            }),
            "text" if path.starts_with("text.format") => Some(json!({"format": {
                "type": "json_schema", "name": "n", "description": "d", "strict": true,
                "schema": {"type": "object"},
            }})),
            "text" if !deep => Some(json!({"format": {"type": "text"}})),
            "reasoning" if !deep => Some(json!({"summary": "auto"})),
            "instructions" => Some(json!("be brief")),
            "tools" => Some(json!([function("f")])),
            "stream" | "store" | "background" => Some(json!(true)),
            "parallel_tool_calls" => Some(json!(false)),
            "max_output_tokens" => Some(json!(5000)),
            "max_tool_calls" | "top_logprobs" => Some(json!(3)),
            "temperature" | "top_p" | "presence_penalty" | "frequency_penalty" => Some(json!(0.5)),
            "service_tier" => Some(json!("priority")),
            "truncation" => Some(json!("auto")),
            "include" => Some(json!(["reasoning.encrypted_content"])),
            "metadata" if !deep => Some(json!({"a": "b"})),
            _ if deep => None,
            _ => Some(json!("x")),
        };
        if let Some(value) = value {
            request[top] = value;
        }
        set(&mut request, path, || match path {
            "reasoning.effort" => json!("high"),
            "reasoning.summary" | "reasoning.generate_summary" => json!("auto"),
            "text.verbosity" => json!("low"),
            _ => json!("x"),
        });
        Self { request, at: String::new() }
    }

    fn word(path: &str) -> Self {
        let (field, word) = path.split_once('=').expect("a word belongs to a field");
        let mut carrier = Self { request: plain(), at: String::new() };
        match field {
            "include" => carrier.request["include"] = json!([word]),
            "tool_choice.type" => {
                carrier.request["tool_choice"] = match word {
                    "allowed_tools" => {
                        json!({"type": word, "mode": "auto", "tools": [named("function", "f")]})
                    }
                    "custom" => named(word, "c"),
                    _ => named(word, "f"),
                };
            }
            "tool_choice.mode" => {
                carrier.request["tool_choice"] = json!({"type": "allowed_tools", "mode": word, "tools": [named("function", "f")]});
            }
            "text.format.type" => {
                carrier.request["text"] =
                    json!({"format": {"type": word, "name": "n", "schema": {"type": "object"}}});
            }
            _ => set(&mut carrier.request, field, || json!(word)),
        }
        carrier
    }

    fn item(kind: &str, member: &str) -> Self {
        let call = |call: Value, result: Value| vec![call, result];
        let role = if member == "role" { "developer" } else { "user" };
        let mut items = match kind {
            "message" => vec![json!({"type": kind, "role": role, "content": "hi"})],
            "reasoning" => vec![
                match member {
                    "encrypted_content" => {
                        json!({"type": kind, "summary": [], "encrypted_content": SEALED})
                    }
                    "summary" => {
                        json!({"type": kind, "summary": [{"type": "summary_text", "text": "s"}]})
                    }
                    _ => {
                        json!({"type": kind, "summary": [], "content": [{"type": "reasoning_text", "text": "t"}]})
                    }
                },
                json!({"type": "message", "role": "assistant", "content": "so"}),
            ],
            "function_call" | "function_call_output" => call(
                json!({"type": "function_call", "call_id": "1", "name": "f", "arguments": "{\"a\":1}"}),
                json!({"type": "function_call_output", "call_id": "1", "output": "o"}),
            ),
            "custom_tool_call" | "custom_tool_call_output" => call(
                json!({"type": "custom_tool_call", "call_id": "1", "name": "c", "input": "i"}),
                json!({"type": "custom_tool_call_output", "call_id": "1", "output": "o"}),
            ),
            "tool_search_call" | "tool_search_output" => call(
                json!({"type": "tool_search_call", "call_id": "1", "arguments": {"q": 1}, "execution": "client"}),
                json!({"type": "tool_search_output", "call_id": "1", "tools": [function("found")], "execution": "client"}),
            ),
            "local_shell_call" | "local_shell_call_output" => call(
                json!({"type": "local_shell_call", "call_id": "1", "action": {"type": "exec", "command": ["ls"]}}),
                json!({"type": "local_shell_call_output", "id": "1", "output": "o"}),
            ),
            "shell_call" | "shell_call_output" => call(
                json!({"type": "shell_call", "call_id": "1", "action": {"commands": ["ls"]}}),
                json!({"type": "shell_call_output", "call_id": "1", "output": [{"stdout": "o"}]}),
            ),
            "apply_patch_call" | "apply_patch_call_output" => call(
                json!({"type": "apply_patch_call", "call_id": "1", "operation": {"type": "delete_file", "path": "p"}}),
                json!({"type": "apply_patch_call_output", "call_id": "1", "output": "o"}),
            ),
            "additional_tools" => {
                vec![json!({"type": kind, "role": "developer", "tools": [function("more")]})]
            }
            "agent_message" => {
                vec![json!({"type": kind, "content": [{"type": "input_text", "text": "t"}]})]
            }
            "compaction" | "compaction_summary" | "context_compaction" => {
                vec![json!({"type": kind, "encrypted_content": SEALED})]
            }
            _ => vec![json!({"type": kind})],
        };
        let output = kind.ends_with("_output") && items.len() == 2;
        set(&mut items[usize::from(output)], member, || match member {
            "role" => json!("developer"),
            _ => json!("x"),
        });
        let mut request = plain();
        request["input"].as_array_mut().expect("a list").extend(items);
        Self { request, at: format!("/input/{}", 1 + usize::from(output)) }
    }

    fn part(kind: &str, member: &str) -> Self {
        let mut part = match kind {
            "input_image" if member == "file_id" => json!({"type": kind}),
            "input_image" => json!({"type": kind, "image_url": "data:image/png;base64,AA=="}),
            "input_file" if member == "file_id" || member == "file_url" => json!({"type": kind}),
            "input_file" => {
                json!({"type": kind, "filename": "n", "file_data": "data:text/plain;base64,AA=="})
            }
            "refusal" => json!({"type": kind, "refusal": "no"}),
            "encrypted_content" => json!({"type": kind, "encrypted_content": "in clear"}),
            "input_audio" | "input_video" | "computer_screenshot" => json!({"type": kind}),
            _ => json!({"type": kind, "text": "t"}),
        };
        if let Some(list) =
            ["annotations", "logprobs"].into_iter().find(|list| member.starts_with(list))
        {
            part[list] = json!([{}]);
        }
        let sample = if member == "detail" { "original" } else { "x" };
        set(&mut part, member, || json!(sample));
        let mut request = plain();
        let input = request["input"].as_array_mut().expect("a list");
        let at = match kind {
            "reasoning_text" | "summary_text" => {
                let list = if kind == "summary_text" { "summary" } else { "content" };
                input.push(json!({"type": "reasoning", list: [part]}));
                input.push(json!({"role": "assistant", "content": "so"}));
                format!("/input/1/{list}/0")
            }
            "output_text" | "refusal" => {
                input.push(json!({"role": "assistant", "content": [{"type": "output_text", "text": "so"}, part]}));
                "/input/1/content/1".to_owned()
            }
            "encrypted_content" => {
                input.push(json!({"type": "agent_message", "content": [{"type": "input_text", "text": "to"}, part]}));
                "/input/1/content/1".to_owned()
            }
            _ => {
                input.push(json!({"role": "user", "content": [{"type": "input_text", "text": "see"}, part]}));
                "/input/1/content/1".to_owned()
            }
        };
        Self { request, at }
    }

    fn tool(kind: &str, member: &str) -> Self {
        let mut tool = match kind {
            // Strictly followed is only what is closed.
            "function" if member == "strict" => {
                json!({"type": kind, "name": "g", "parameters": {"type": "object", "properties": {}, "additionalProperties": false}})
            }
            "function" => {
                json!({"type": kind, "name": "g", "description": "d", "parameters": {"type": "object", "properties": {"a": {}}}})
            }
            "custom" => json!({"type": kind, "name": "g", "description": "d",
                "format": {"type": "grammar", "syntax": "lark", "definition": "start: /x/"}}),
            "namespace" => json!({"type": kind, "name": "n", "tools": [function("g")]}),
            "tool_search" => {
                json!({"type": kind, "description": "d", "parameters": {"type": "object", "properties": {"a": {}}}})
            }
            _ => json!({"type": kind}),
        };
        set(&mut tool, member, || match member {
            "strict" => json!(true),
            "external_web_access" => json!(false),
            "filters" => json!({"allowed_domains": ["example.com"]}),
            "filters.allowed_domains" => json!(["example.com"]),
            "user_location" => json!({"city": "Ulm"}),
            "search_context_size" => json!("low"),
            _ => json!("x"),
        });
        let mut request = plain();
        request["tools"].as_array_mut().expect("a list").push(tool);
        Self { request, at: "/tools/2".to_owned() }
    }

    fn keyword(name: &str) -> Self {
        let mut schema = json!({"type": "object", "properties": {"a": {}}});
        set(&mut schema, name, || match name {
            "encrypted" | "additionalProperties" => json!(true),
            "enum" | "required" => json!(["a"]),
            "items" => json!({"type": "string"}),
            "minItems" => json!(1),
            _ => json!("x"),
        });
        let mut request = plain();
        request["tools"][0]["parameters"] = schema;
        Self { request, at: "/tools/0/parameters".to_owned() }
    }
}

/// A request that asks for nothing special; its two tools can be chosen and called.
fn plain() -> Value {
    json!({
        "model": "m",
        "input": [{"role": "user", "content": "hi"}],
        "tools": [function("f"), {"type": "custom", "name": "c"}],
    })
}

fn function(name: &str) -> Value {
    json!({"type": "function", "name": name, "parameters": {"type": "object", "properties": {}}})
}

fn named(kind: &str, name: &str) -> Value {
    json!({"type": kind, "name": name})
}

/// Puts `sample` at the dotted `path`, unless something is there; lists are entered at their first
/// element, what is missing is made.
pub(crate) fn set(value: &mut Value, path: &str, sample: impl FnOnce() -> Value) {
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
        set(&mut object[name], rest, sample);
    } else if object.get(name).is_none() {
        object[name] = sample();
    }
}

pub(crate) fn remove(value: &mut Value, path: &str) {
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
