//! A minimal valid Messages request around one thing of the world, and the same request without it.

use crate::carrier::{SEALED, remove, set};
use serde_json::{Value, json};
use wire::fates::Section;

/// A request with one thing in it, and where that thing stands.
pub(crate) struct Carrier {
    pub(crate) request: Value,
    /// JSON pointer to the request itself, the message, the block or the tool.
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
            Section::Block => Self::block(kind, member),
            Section::Tool => Self::tool(kind, member),
            Section::Schema => Self::keyword(path),
            Section::Item | Section::Part => unreachable!("Messages requests have none"),
        }
    }

    /// The request without `path`, which was given to [`Carrier::of`] or is above that path.
    pub(crate) fn without(&self, section: Section, path: &str) -> Value {
        let mut request = self.request.clone();
        let member = match section {
            Section::Field | Section::Schema => Some(path),
            _ => path.split_once('.').map(|(_, member)| member),
        };
        match member {
            Some(member) => {
                let target = request.pointer_mut(&self.at);
                remove(target.expect("the carrier knows where its thing stands"), member);
            }
            None => {
                let (list, index) = self.at.rsplit_once('/').expect("things stand in lists");
                match request.pointer_mut(list).expect("it stands there") {
                    Value::Array(list) => {
                        list.remove(index.parse().expect("an index"));
                    }
                    // The only content of a result.
                    holder => holder[index] = json!([]),
                }
            }
        }
        request
    }

    fn field(path: &str) -> Self {
        let mut request = plain();
        let top = path.split('.').next().unwrap_or(path);
        let deep = path.contains('.');
        let value = match top {
            "model" | "messages" => return Self { request, at: String::new() },
            "max_tokens" => Some(json!(5000)),
            "tool_choice" => Some(match path {
                "tool_choice.name" => json!({"type": "tool", "name": "f"}),
                "tool_choice.disable_parallel_tool_use" => json!({"type": "auto"}),
                _ => json!({"type": "any"}),
            }),
            "thinking" => Some(match path {
                "thinking" | "thinking.type" => json!({"type": "disabled"}),
                "thinking.budget_tokens" => json!({"type": "enabled", "budget_tokens": 4096}),
                _ => json!({"type": "adaptive"}),
            }),
            "output_format" => Some(form()),
            "output_config" if path.starts_with("output_config.format") => {
                Some(json!({"format": form()}))
            }
            "billing_policy" => Some(json!({"type": "billing_policy", "bill_to": "user_profile"})),
            "compaction" => Some(json!({"type": "compaction", "instructions": "i"})),
            "thread" => Some(json!({"type": "continue", "previous_message_id": "msg_1"})),
            "metadata" | "output_config" => Some(json!({})),
            "system" => Some(json!("be brief")),
            "tools" => Some(json!([function("f")])),
            "stream" => Some(json!(true)),
            "temperature" | "top_p" => Some(json!(0.5)),
            "top_k" => Some(json!(5)),
            "stop_sequences" => Some(json!(["END"])),
            "service_tier" => Some(json!("auto")),
            "speed" => Some(json!("fast")),
            "betas" => Some(json!(["x"])),
            _ if deep => None,
            _ => Some(json!("x")),
        };
        if let Some(value) = value {
            request[top] = value;
        }
        set(&mut request, path, || match path {
            "output_config.effort" => json!("high"),
            "thinking.display" => json!("omitted"),
            "tool_choice.disable_parallel_tool_use" => json!(true),
            _ => json!("x"),
        });
        Self { request, at: String::new() }
    }

    fn word(path: &str) -> Self {
        let (field, word) = path.split_once('=').expect("a word belongs to a field");
        let mut carrier = Self { request: plain(), at: String::new() };
        let request = &mut carrier.request;
        match (field, word) {
            ("thinking.type", "enabled") => {
                request["thinking"] = json!({"type": word, "budget_tokens": 4096});
            }
            ("tool_choice.type", "tool") => {
                request["tool_choice"] = json!({"type": word, "name": "f"})
            }
            ("thread.type", "continue") => {
                request["thread"] = json!({"type": word, "previous_message_id": "msg_1"});
            }
            _ => {
                if field.starts_with("thinking.") && field != "thinking.type" {
                    request["thinking"] = json!({"type": "adaptive"});
                }
                set(request, field, || json!(word));
            }
        }
        carrier
    }

    fn message(role: &str, member: &str) -> Self {
        let mut message = json!({"role": role, "content": "so"});
        set(&mut message, member, || match member {
            "output_config" => json!({}),
            "output_config.effort" => json!("high"),
            "clear_at" => json!("next_user_message"),
            _ => json!("x"),
        });
        let mut request = plain();
        messages(&mut request).extend([message, json!({"role": "user", "content": "go on"})]);
        Self { request, at: "/messages/1".to_owned() }
    }

    fn block(kind: &str, member: &str) -> Self {
        let document = json!({"type": "document", "title": "t",
            "source": {"type": "text", "media_type": "text/plain", "data": "page"}});
        let file_id = member == "source.file_id";
        let mut block = match kind {
            "text" => json!({"type": kind, "text": "t"}),
            "image" if file_id => json!({"type": kind, "source": {"type": "file"}}),
            "image" if member == "source.url" => {
                json!({"type": kind, "source": {"type": "url", "url": "https://x.test/a.png"}})
            }
            "image" => {
                json!({"type": kind, "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}})
            }
            "document" if file_id => json!({"type": kind, "source": {"type": "file"}}),
            "document" if member == "source.url" => {
                json!({"type": kind, "source": {"type": "url", "url": "https://x.test/a.pdf"}})
            }
            "document" if member == "source.content" => {
                json!({"type": kind, "source": {"type": "content", "content": [{"type": "text", "text": "t"}]}})
            }
            "document" => {
                json!({"type": kind, "source": {"type": "base64", "media_type": "application/pdf", "data": "AA=="}})
            }
            "search_result" => {
                json!({"type": kind, "title": "t", "source": "s", "content": [{"type": "text", "text": "c"}]})
            }
            "thinking" => json!({"type": kind, "thinking": "hm", "signature": SEALED}),
            "redacted_thinking" => json!({"type": kind, "data": SEALED}),
            "tool_use" => json!({"type": kind, "id": "1", "name": "f", "input": {"a": 1}}),
            "tool_result" => json!({"type": kind, "tool_use_id": "1", "content": "o"}),
            "tool_reference" => json!({"type": kind, "tool_name": "d"}),
            "tool_addition" | "tool_removal" => {
                let tool = match member {
                    "tool.definition" => {
                        json!({"type": "tool_definition", "definition": function("n")})
                    }
                    "tool.server_name" => json!({"type": "mcp_toolset_reference"}),
                    _ => {
                        json!({"type": "tool_reference", "name": if kind == "tool_addition" { "d" } else { "f" }})
                    }
                };
                json!({"type": kind, "tool": tool})
            }
            "server_tool_use" | "mcp_tool_use" => {
                json!({"type": kind, "id": "1", "name": "web_search", "server_name": "s", "input": {"query": "q"}})
            }
            "mcp_tool_result" => json!({"type": kind, "tool_use_id": "1", "content": "o"}),
            "web_search_result" => json!({"type": kind, "title": "t", "url": "u"}),
            "web_fetch_result" => json!({"type": kind, "url": "u", "content": document}),
            "advisor_result" => json!({"type": kind, "text": "t"}),
            "tool_search_tool_search_result" => {
                json!({"type": kind, "tool_references": [{"type": "tool_reference", "tool_name": "d"}]})
            }
            "compaction" => json!({"type": kind, "content": "so far"}),
            "browser_state" => json!({"type": kind, "tabs": [{"tab_id": 1}]}),
            kind if kind.ends_with("_tool_result") => {
                json!({"type": kind, "tool_use_id": "1", "content": {"type": "some_result", "a": 1}})
            }
            _ => json!({"type": kind}),
        };
        if kind == "server_tool_use" {
            remove(&mut block, "server_name");
        }
        if member.starts_with("citations") && kind == "text" {
            block["citations"] = json!([{}]);
        }
        set(&mut block, member, || match member {
            "is_error" => json!(true),
            "tool_changes" => {
                json!([{"type": "tool_removal", "tool": {"type": "tool_reference", "name": "f"}}])
            }
            _ => json!("x"),
        });
        let call = json!({"type": "tool_use", "id": "1", "name": "f", "input": {}});
        let hosted =
            json!({"type": "server_tool_use", "id": "1", "name": "web_search", "input": {}});
        let answered = json!({"type": "tool_result", "tool_use_id": "1", "content": "o"});
        let user = |blocks: Vec<Value>| json!({"role": "user", "content": blocks});
        let assistant = |blocks: Vec<Value>| json!({"role": "assistant", "content": blocks});
        let text = || json!({"type": "text", "text": "so"});
        let go_on = || json!({"role": "user", "content": "go on"});
        let in_result = |inner: Value, holder: &str| json!({"type": holder, "tool_use_id": "1", "content": inner});
        let (new, at): (Vec<Value>, &str) = match kind {
            "thinking" | "redacted_thinking" | "compaction" | "fallback" | "mcp_tool_listing" => {
                (vec![assistant(vec![block, text()]), go_on()], "/messages/1/content/0")
            }
            "tool_use" => {
                (vec![assistant(vec![block]), user(vec![answered])], "/messages/1/content/0")
            }
            "tool_result" => {
                (vec![assistant(vec![call]), user(vec![block])], "/messages/2/content/0")
            }
            "tool_reference" | "browser_state" => {
                let mut answered = answered;
                answered["content"] = json!([block]);
                let new = vec![assistant(vec![call]), user(vec![answered])];
                (new, "/messages/2/content/0/content/0")
            }
            "tool_addition" | "tool_removal" => {
                let message = json!({"role": "system", "content": [block]});
                (vec![message, go_on()], "/messages/1/content/0")
            }
            "server_tool_use" | "mcp_tool_use" => {
                let result = in_result(json!([]), "web_search_tool_result");
                (vec![assistant(vec![block, result]), go_on()], "/messages/1/content/0")
            }
            kind if kind.ends_with("_tool_result") => {
                (vec![assistant(vec![hosted, block]), go_on()], "/messages/1/content/1")
            }
            "bash_code_execution_output" | "code_execution_output" => {
                let outer = kind.replace("_output", "_result");
                let inner = json!({"type": outer, "content": [block]});
                let result = in_result(inner, "code_execution_tool_result");
                let new = vec![assistant(vec![hosted, result]), go_on()];
                (new, "/messages/1/content/1/content/content/0")
            }
            "web_search_result" => {
                let result = in_result(json!([block]), "web_search_tool_result");
                let new = vec![assistant(vec![hosted, result]), go_on()];
                (new, "/messages/1/content/1/content/0")
            }
            kind if kind != "search_result" && kind.ends_with("_result")
                || kind.ends_with("_error") =>
            {
                let result = in_result(block, "web_search_tool_result");
                (vec![assistant(vec![hosted, result]), go_on()], "/messages/1/content/1/content")
            }
            _ => (vec![user(vec![text(), block])], "/messages/1/content/1"),
        };
        let mut request = plain();
        messages(&mut request).extend(new);
        Self { request, at: at.to_owned() }
    }

    fn tool(kind: &str, member: &str) -> Self {
        let mut tool = match kind {
            // Strictly followed is only what is closed.
            "custom" if member == "strict" => json!({"name": "g", "input_schema":
                {"type": "object", "properties": {}, "additionalProperties": false}}),
            "custom" => json!({"name": "g", "description": "d", "input_schema":
                {"type": "object", "properties": {"a": {}}, "required": ["a"]}}),
            kind if kind.starts_with("computer_2") => {
                json!({"type": kind, "name": "g", "display_width_px": 8, "display_height_px": 6})
            }
            kind => json!({"type": kind, "name": "g"}),
        };
        set(&mut tool, member, || match member {
            "strict" | "defer_loading" | "enable_zoom" | "eager_input_streaming" => json!(true),
            "allowed_callers" => json!(["code_execution_20250825"]),
            "allowed_domains" | "blocked_domains" => json!(["x.test"]),
            "max_uses" => json!(3),
            "user_location" => json!({"type": "approximate"}),
            _ => json!("x"),
        });
        let mut request = plain();
        if kind.starts_with("tool_search_tool") {
            // What becomes of it is a matter of its own.
            remove(&mut request["tools"][1], "defer_loading");
        }
        request["tools"].as_array_mut().expect("a list").push(tool);
        Self { request, at: "/tools/2".to_owned() }
    }

    fn keyword(name: &str) -> Self {
        let mut schema = json!({"type": "object", "properties": {"a": {}}});
        set(&mut schema, name, || match name {
            "additionalProperties" => json!(true),
            "enum" | "required" => json!(["a"]),
            "items" => json!({"type": "string"}),
            _ => json!("x"),
        });
        let mut request = plain();
        request["tools"][0]["input_schema"] = schema;
        Self { request, at: "/tools/0/input_schema".to_owned() }
    }
}

/// A request that asks for nothing special. One of its tools waits until somebody names it.
pub(crate) fn plain() -> Value {
    let mut deferred = function("d");
    deferred["defer_loading"] = json!(true);
    json!({
        "model": "m",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "hi"}],
        "tools": [function("f"), deferred],
    })
}

fn messages(request: &mut Value) -> &mut Vec<Value> {
    request["messages"].as_array_mut().expect("a list")
}

fn function(name: &str) -> Value {
    json!({"name": name, "input_schema": {"type": "object", "properties": {}}})
}

fn form() -> Value {
    json!({"type": "json_schema", "schema": {"type": "object"}})
}
