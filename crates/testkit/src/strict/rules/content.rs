//! What the content of a message may hold.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::super::walk::{at, found, given, kind, messages, parts, role, stranger};
use super::super::{Rule, Vendor};
use super::{INFERRED, QUOTED, REPORTED};

fn type_of(part: &Value) -> &str {
    part["type"].as_str().unwrap_or_default()
}

fn image_url(part: &Value) -> Option<&str> {
    part["image_url"]["url"].as_str()
}

/// An image part in a message of one of these roles.
fn image_in(body: &Value, roles: &[&str]) -> Option<super::super::Finding> {
    let (place, _, message) = parts(body).find(|(_, part, message)| {
        type_of(part) == "image_url" && roles.contains(&role(message))
    })?;
    found(place, role(message))
}

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "content-missing",
        check: |body| {
            let (place, _) = messages(body).find(|(_, message)| {
                role(message) != "assistant" && message.get("content").is_none()
            })?;
            at(format!("{place}.content"))
        },
        code: Some("missing_required_parameter"),
        words: "Missing required parameter: '{at}'.",
        example: r#"{"model":"m","messages":[{"role":"user"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "content-null",
        check: |body| {
            let (place, _) = messages(body).find(|(_, message)| {
                let excused = role(message) == "assistant"
                    && ["tool_calls", "function_call", "refusal", "audio"]
                        .iter()
                        .any(|name| given(message, name).is_some());
                given(message, "content").is_none() && !excused
            })?;
            at(format!("{place}.content"))
        },
        words: "Invalid value for 'content': expected a string, got null.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","content":null}]}"#,
        ..QUOTED
    },
    Rule {
        id: "content-wrong-type",
        vendor: Vendor::Every,
        check: |body| {
            let (place, message) = messages(body).find(|(_, message)| {
                given(message, "content").is_some_and(|c| !c.is_string() && !c.is_array())
            })?;
            found(format!("{place}.content"), kind(&message["content"]))
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected one of a string or array of objects, but got {what} instead.",
        example: r#"{"model":"m","messages":[{"role":"user","content":7}]}"#,
        ..QUOTED
    },
    Rule {
        id: "content-parts-empty",
        check: |body| {
            let (place, _) = messages(body)
                .find(|(_, message)| message["content"].as_array().is_some_and(Vec::is_empty))?;
            at(format!("{place}.content"))
        },
        code: Some("empty_array"),
        words: "Invalid '{at}': empty array. Expected an array with minimum length 1, but got an empty array instead.",
        example: r#"{"model":"m","messages":[{"role":"user","content":[]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "part-without-type",
        vendor: Vendor::Every,
        check: |body| {
            let (place, _, _) = parts(body).find(|(_, part, _)| part["type"].as_str().is_none())?;
            at(format!("{place}.type"))
        },
        code: Some("missing_required_parameter"),
        words: "Missing required parameter: '{at}'.",
        example: r#"{"model":"m","messages":[{"role":"user","content":["x"]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "part-of-responses",
        vendor: Vendor::Every,
        check: |body| {
            let foreign = [
                "input_text",
                "output_text",
                "input_image",
                "input_file",
                "encrypted_content",
                "summary_text",
                "reasoning_text",
            ];
            let (place, part, _) =
                parts(body).find(|(_, part, _)| foreign.contains(&type_of(part)))?;
            found(format!("{place}.type"), type_of(part))
        },
        code: Some("invalid_value"),
        words: "Invalid value: '{what}'. Supported values are: 'text', 'image_url', 'input_audio', 'refusal', 'audio', and 'file'.",
        example: r#"{"model":"m","messages":[{"role":"user","content":[{"type":"input_text","text":"x"}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "part-unknown-type",
        check: |body| {
            let known =
                ["text", "image_url", "input_audio", "refusal", "audio", "file", "video_url"];
            let (place, part, _) =
                parts(body).find(|(_, part, _)| !known.contains(&type_of(part)))?;
            found(format!("{place}.type"), type_of(part))
        },
        code: Some("invalid_value"),
        words: "Invalid value: '{what}'. Supported values are: 'text', 'image_url', 'input_audio', 'refusal', 'audio', and 'file'.",
        example: r#"{"model":"m","messages":[{"role":"user","content":[{"type":"hologram"}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "part-text-not-string",
        vendor: Vendor::Every,
        check: |body| {
            let (place, part, _) = parts(body)
                .find(|(_, part, _)| type_of(part) == "text" && !part["text"].is_string())?;
            found(format!("{place}.text"), kind(&part["text"]))
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected a string, but got {what} instead.",
        example: r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text"}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "part-unknown-member",
        check: |body| {
            parts(body).find_map(|(place, part, _)| {
                // `cache_control` is understood by OpenRouter and Qwen.
                let known: &[&str] = match type_of(part) {
                    "text" => &["type", "text", "cache_control"],
                    "image_url" => &["type", "image_url", "cache_control"],
                    _ => return None,
                };
                match stranger(part, known) {
                    Some(name) => at(format!("{place}.{name}")),
                    None => {
                        let name = stranger(&part["image_url"], &["url", "detail"])?;
                        at(format!("{place}.image_url.{name}"))
                    }
                }
            })
        },
        code: Some("unknown_parameter"),
        words: "Unknown parameter: '{at}'.",
        example: r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"x","annotations":[]}]}]}"#,
        ..REPORTED
    },
    Rule {
        id: "image-in-system",
        check: |body| image_in(body, &["system", "developer"]),
        words: "Invalid '{at}'. Image URLs are only allowed for messages with role 'user', but this message with role '{what}' contains an image URL.",
        example: r#"{"model":"m","messages":[{"role":"system","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "image-in-assistant",
        check: |body| image_in(body, &["assistant"]),
        words: "Invalid '{at}'. Image URLs are only allowed for messages with role 'user', but this message with role '{what}' contains an image URL.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "image-in-tool",
        check: |body| image_in(body, &["tool"]),
        words: "Invalid '{at}'. Image URLs are only allowed for messages with role 'user', but this message with role '{what}' contains an image URL.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "image-url-not-object",
        check: |body| {
            let (place, part, _) = parts(body).find(|(_, part, _)| {
                type_of(part) == "image_url" && !part["image_url"].is_object()
            })?;
            found(format!("{place}.image_url"), kind(&part["image_url"]))
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected an object, but got {what} instead.",
        example: r#"{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":"data:image/png;base64,AAAA"}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "image-url-invalid",
        check: |body| {
            let (place, _, _) = parts(body).find(|(_, part, _)| {
                let valid = |url: &str| {
                    ["http://", "https://", "data:image/"]
                        .iter()
                        .any(|start| url.starts_with(start))
                };
                type_of(part) == "image_url" && !image_url(part).is_some_and(valid)
            })?;
            at(format!("{place}.image_url.url"))
        },
        code: Some("invalid_value"),
        words: "Invalid '{at}'. Expected a valid URL, but got a value with an invalid format.",
        example: r#"{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"file:///x.png"}}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "image-data-invalid",
        check: |body| {
            let (place, _, _) = parts(body).find(|(_, part, _)| {
                let Some(url) = image_url(part).filter(|url| url.starts_with("data:")) else {
                    return false;
                };
                let data = url.split_once(";base64,").map(|(_, data)| data);
                !data.is_some_and(|data| !data.is_empty() && STANDARD.decode(data).is_ok())
            })?;
            at(format!("{place}.image_url.url"))
        },
        code: Some("invalid_base64"),
        words: "Invalid base64 image_url.",
        example: r#"{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,!!"}}]}]}"#,
        ..REPORTED
    },
    Rule {
        id: "image-detail-unknown",
        check: |body| {
            parts(body).find_map(|(place, part, _)| {
                let detail = given(&part["image_url"], "detail")?.as_str().unwrap_or_default();
                if ["auto", "low", "high"].contains(&detail) {
                    return None;
                }
                found(format!("{place}.image_url.detail"), detail)
            })
        },
        code: Some("invalid_value"),
        words: "Invalid value: '{what}'. Supported values are: 'auto', 'low', and 'high'.",
        example: r#"{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.com/x.png","detail":"original"}}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "reasoning-not-string",
        check: |body| {
            messages(body).find_map(|(place, message)| {
                ["reasoning_content", "reasoning"].iter().find_map(|name| {
                    let value = given(message, name)?;
                    if value.is_string() {
                        None
                    } else {
                        found(format!("{place}.{name}"), kind(value))
                    }
                })
            })
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected a string, but got {what} instead.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y","reasoning_content":["z"]}]}"#,
        ..INFERRED
    },
    Rule {
        id: "reasoning-of-another-role",
        check: |body| {
            messages(body).find_map(|(place, message)| {
                let name = ["reasoning_content", "reasoning", "reasoning_details"]
                    .into_iter()
                    .find(|name| given(message, name).is_some())?;
                if role(message) == "assistant" { None } else { at(format!("{place}.{name}")) }
            })
        },
        words: "Unknown parameter: '{at}'.",
        code: Some("unknown_parameter"),
        example: r#"{"model":"m","messages":[{"role":"user","content":"x","reasoning_content":"z"}]}"#,
        ..INFERRED
    },
];
