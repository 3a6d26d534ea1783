//! Messages by their roles and members; what their content holds is judged elsewhere.

use super::super::walk::{
    at, call_ids, found, given, has, is_name, kind, messages, role, stranger,
};
use super::super::{Rule, Vendor};
use super::{INFERRED, QUOTED, REPORTED};

/// Members of OpenAI's messages.
const OPENAI: &[&str] = &[
    "annotations",
    "audio",
    "content",
    "function_call",
    "name",
    "refusal",
    "role",
    "tool_call_id",
    "tool_calls",
];

/// Members that other vendors added.
const ADDED: &[&str] =
    &["partial", "prefix", "reasoning", "reasoning_content", "reasoning_details"];

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "message-not-object",
        vendor: Vendor::Every,
        check: |body| {
            let (place, message) = messages(body).find(|(_, message)| !message.is_object())?;
            found(place, kind(message))
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected an object, but got {what} instead.",
        example: r#"{"model":"m","messages":["x"]}"#,
        ..QUOTED
    },
    Rule {
        id: "role-missing",
        vendor: Vendor::Every,
        check: |body| {
            let (place, _) =
                messages(body).find(|(_, message)| message["role"].as_str().is_none())?;
            at(format!("{place}.role"))
        },
        code: Some("missing_required_parameter"),
        words: "Missing required parameter: '{at}'.",
        example: r#"{"model":"m","messages":[{"content":"x"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "role-unknown",
        check: |body| {
            let known = ["system", "assistant", "user", "function", "tool", "developer"];
            let (place, message) =
                messages(body).find(|(_, message)| !known.contains(&role(message)))?;
            found(format!("{place}.role"), role(message))
        },
        code: Some("invalid_value"),
        words: "Invalid value: '{what}'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'.",
        example: r#"{"model":"m","messages":[{"role":"critic","content":"x"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "role-developer",
        vendor: Vendor::Others,
        check: |body| {
            let (place, _) = messages(body).find(|(_, message)| role(message) == "developer")?;
            at(format!("{place}.role"))
        },
        words: "{at}: unknown variant `developer`, expected one of `system`, `user`, `assistant`, `tool`",
        source: "DeepSeek's words (github.com/eclipse-theia/theia/issues/15144); MiniMax, Zhipu and most local servers do not document the role either",
        example: r#"{"model":"m","messages":[{"role":"developer","content":"x"}]}"#,
        ..REPORTED
    },
    Rule {
        id: "responses-item",
        check: |body| {
            // An id that a message never has in this dialect: an item of the other one leaked.
            let item = |message: &serde_json::Value| {
                [
                    "id",
                    "type",
                    "status",
                    "phase",
                    "call_id",
                    "encrypted_content",
                    "internal_chat_message_metadata_passthrough",
                ]
                .into_iter()
                .find(|name| has(message, name))
            };
            messages(body).find_map(|(place, message)| at(format!("{place}.{}", item(message)?)))
        },
        code: Some("unknown_parameter"),
        words: "Unknown parameter: '{at}'.",
        example: r#"{"model":"m","messages":[{"id":"msg_1","role":"user","content":"x"}]}"#,
        ..REPORTED
    },
    Rule {
        id: "message-unknown-member",
        check: |body| {
            let known: Vec<&str> = OPENAI.iter().chain(ADDED).copied().collect();
            messages(body)
                .find_map(|(place, message)| at(format!("{place}.{}", stranger(message, &known)?)))
        },
        code: Some("unknown_parameter"),
        words: "Unknown parameter: '{at}'.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x","mood":"good"}]}"#,
        ..REPORTED
    },
    Rule {
        id: "openai-message-unknown-member",
        vendor: Vendor::OpenAi,
        check: |body| {
            messages(body)
                .find_map(|(place, message)| at(format!("{place}.{}", stranger(message, OPENAI)?)))
        },
        code: Some("unknown_parameter"),
        words: "Unknown parameter: '{at}'.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y","reasoning_content":"z"}]}"#,
        ..REPORTED
    },
    Rule {
        id: "name-malformed",
        check: |body| {
            let bad = |name: &str| {
                name.is_empty()
                    || name.chars().count() > 64
                    || name.contains(['<', '>', '|', '\\', '/'])
                    || name.contains(char::is_whitespace)
            };
            let (place, _) = messages(body).find(|(_, message)| match given(message, "name") {
                Some(name) => name.as_str().is_none_or(bad),
                None => false,
            })?;
            at(format!("{place}.name"))
        },
        code: Some("invalid_value"),
        words: "Invalid '{at}': string does not match pattern. Expected a string that matches the pattern '^[^\\s<|\\\\/>]+$'.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x","name":"two words"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "calls-not-array",
        vendor: Vendor::Every,
        check: |body| {
            let (place, message) = messages(body).find(|(_, message)| {
                given(message, "tool_calls").is_some_and(|calls| !calls.is_array())
            })?;
            found(format!("{place}.tool_calls"), kind(&message["tool_calls"]))
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected an array of objects, but got {what} instead.",
        example: r#"{"model":"m","messages":[{"role":"assistant","tool_calls":{}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "calls-empty",
        check: |body| {
            let (place, _) = messages(body)
                .find(|(_, message)| message["tool_calls"] == serde_json::json!([]))?;
            at(format!("{place}.tool_calls"))
        },
        code: Some("empty_array"),
        words: "Invalid '{at}': empty array. Expected an array with minimum length 1, but got an empty array instead.",
        source: "github.com/home-assistant/core/pull/118577, github.com/openai/openai-node/pull/1341",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y","tool_calls":[]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "calls-of-another-role",
        check: |body| {
            let (place, message) = messages(body).find(|(_, message)| {
                role(message) != "assistant" && given(message, "tool_calls").is_some()
            })?;
            found(format!("{place}.tool_calls"), role(message))
        },
        words: "Invalid parameter: '{at}' is only allowed for messages with role 'assistant', but this message has role '{what}'.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]}]}"#,
        ..INFERRED
    },
    Rule {
        id: "call-id-of-another-role",
        check: |body| {
            let (place, message) = messages(body).find(|(_, message)| {
                role(message) != "tool" && given(message, "tool_call_id").is_some()
            })?;
            found(format!("{place}.tool_call_id"), role(message))
        },
        words: "Invalid parameter: '{at}' is only allowed for messages with role 'tool', but this message has role '{what}'.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x","tool_call_id":"c"}]}"#,
        ..INFERRED
    },
    Rule {
        id: "call-incomplete",
        check: |body| {
            super::super::walk::calls(body).find_map(|(place, call)| {
                let string =
                    |value: &serde_json::Value| value.as_str().is_some_and(|text| !text.is_empty());
                if !string(&call["id"]) {
                    at(format!("{place}.id"))
                } else if !string(&call["type"]) {
                    at(format!("{place}.type"))
                } else if call["type"] == "function" && !string(&call["function"]["name"]) {
                    at(format!("{place}.function.name"))
                } else if call["type"] == "function" && !has(&call["function"], "arguments") {
                    at(format!("{place}.function.arguments"))
                } else {
                    None
                }
            })
        },
        code: Some("missing_required_parameter"),
        words: "Missing required parameter: '{at}'.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"y"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "call-type-unknown",
        check: |body| {
            let known = ["function", "custom"];
            let (place, call) = super::super::walk::calls(body)
                .find(|(_, call)| !known.contains(&call["type"].as_str().unwrap_or_default()))?;
            found(format!("{place}.type"), call["type"].as_str().unwrap_or_default())
        },
        code: Some("invalid_value"),
        words: "Invalid value: '{what}'. Supported values are: 'function' and 'custom'.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"c","type":"function_call","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"y"}]}"#,
        ..REPORTED
    },
    Rule {
        id: "call-unknown-member",
        check: |body| {
            super::super::walk::calls(body).find_map(|(place, call)| {
                // `index` is tolerated everywhere: clients echo what the stream gave them.
                let known = ["id", "type", "function", "custom", "index", "extra_content"];
                match stranger(call, &known) {
                    Some(name) => at(format!("{place}.{name}")),
                    None => {
                        let name = stranger(&call["function"], &["name", "arguments"])?;
                        at(format!("{place}.function.{name}"))
                    }
                }
            })
        },
        code: Some("unknown_parameter"),
        words: "Unknown parameter: '{at}'.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","namespace":"n","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"y"}]}"#,
        ..REPORTED
    },
    Rule {
        id: "call-arguments-not-string",
        check: |body| {
            let (place, call) = super::super::walk::calls(body).find(|(_, call)| {
                call["type"] == "function" && !call["function"]["arguments"].is_string()
            })?;
            found(format!("{place}.function.arguments"), kind(&call["function"]["arguments"]))
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected a string, but got {what} instead.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":{}}}]},{"role":"tool","tool_call_id":"c","content":"y"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "call-arguments-not-json",
        vendor: Vendor::Others,
        check: |body| {
            let (place, _) = super::super::walk::calls(body).find(|(_, call)| {
                let text = call["function"]["arguments"].as_str();
                text.is_some_and(|text| {
                    !serde_json::from_str(text)
                        .is_ok_and(|value: serde_json::Value| value.is_object())
                })
            })?;
            at(format!("{place}.function.arguments"))
        },
        words: "Invalid '{at}': the arguments of a function call must be a JSON object.",
        source: "vLLM and SGLang parse the arguments before they render the template; MiniMax refuses too (github.com/can1357/oh-my-pi/issues/181)",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":"}}]},{"role":"tool","tool_call_id":"c","content":"y"}]}"#,
        ..REPORTED
    },
    Rule {
        id: "call-id-too-long",
        check: |body| {
            let long = |value: &serde_json::Value| {
                value.as_str().is_some_and(|id| id.chars().count() > 40)
            };
            messages(body).find_map(|(place, message)| {
                let place = if long(&message["tool_call_id"]) {
                    return found(
                        format!("{place}.tool_call_id"),
                        message["tool_call_id"].as_str().map_or(0, str::len),
                    );
                } else {
                    place
                };
                let (index, id) = call_ids(message)
                    .into_iter()
                    .enumerate()
                    .find(|(_, id)| id.chars().count() > 40)?;
                found(format!("{place}.tool_calls[{index}].id"), id.chars().count())
            })
        },
        code: Some("string_above_max_length"),
        words: "Invalid '{at}': string too long. Expected a string with maximum length 40, but got a string with length {what} instead.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"call_0123456789012345678901234567890123456789","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"call_0123456789012345678901234567890123456789","content":"y"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "call-name-malformed",
        check: |body| {
            let (place, _) = super::super::walk::calls(body).find(|(_, call)| {
                call["function"]["name"].as_str().is_some_and(|name| !is_name(name))
            })?;
            at(format!("{place}.function.name"))
        },
        code: Some("invalid_value"),
        words: "Invalid '{at}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"a.b","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"y"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "call-name-too-long",
        check: |body| {
            super::super::walk::calls(body).find_map(|(place, call)| {
                let length = call["function"]["name"].as_str()?.len();
                if length > 64 { found(format!("{place}.function.name"), length) } else { None }
            })
        },
        code: Some("string_above_max_length"),
        words: "Invalid '{at}': string too long. Expected a string with maximum length 64, but got a string with length {what} instead.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f0123456789012345678901234567890123456789012345678901234567890123456789","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"y"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "system-late",
        vendor: Vendor::Vllm,
        check: |body| {
            let (place, _) =
                messages(body).skip(1).find(|(_, message)| role(message) == "system")?;
            at(place)
        },
        words: "System message must be at the beginning.",
        source: "the chat template of Qwen, raised through vLLM (github.com/intuitem/ciso-assistant-community/issues/4679)",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"system","content":"y"}]}"#,
        ..QUOTED
    },
];
