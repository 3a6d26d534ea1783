//! Declared tools, those inside namespaces and those that items bring along included.

use serde_json::Value;

use super::super::rules::{not_strict, schemas};
use super::super::walk::{at, found, given, has, is_name, kind, list};
use super::super::{Finding, Rule, Vendor};
use super::walk::{functions, listed, tools, top_tools};
use super::world::WORLD;
use super::{INFERRED, MEASURED, QUOTED, REPORTED};

/// The kinds of tools that the SDK declares.
const KINDS: [&str; 18] = [
    "apply_patch",
    "code_interpreter",
    "computer",
    "computer_use_preview",
    "custom",
    "file_search",
    "function",
    "image_generation",
    "local_shell",
    "mcp",
    "namespace",
    "programmatic_tool_calling",
    "shell",
    "tool_search",
    "web_search",
    "web_search_2025_08_26",
    "web_search_preview",
    "web_search_preview_2025_03_11",
];

/// The names that tools are called by, with their places.
fn names(body: &Value) -> impl Iterator<Item = (String, &str)> {
    tools(body)
        .filter(|(_, tool)| is_named(tool))
        .filter_map(|(place, tool)| Some((format!("{place}.name"), tool["name"].as_str()?)))
}

/// Whether a tool of this kind has a name of its own.
pub(super) fn is_named(tool: &Value) -> bool {
    matches!(tool["type"].as_str(), Some("function" | "custom" | "namespace"))
}

fn schema_fault(body: &Value, fault: fn(&Value) -> Option<String>) -> Option<Finding> {
    functions(body).find_map(|(place, tool)| {
        let fault = fault(given(tool, "parameters")?)?;
        let name = tool["name"].as_str().unwrap_or_default();
        found(format!("{place}.parameters"), format!("'{name}': {fault}"))
    })
}

/// What a tool of a hosted kind cannot do without.
fn required(kind: &str) -> &'static [&'static str] {
    match kind {
        "namespace" => &["description", "tools"],
        "file_search" => &["vector_store_ids"],
        "code_interpreter" => &["container"],
        "mcp" => &["server_label"],
        "computer_use_preview" => &["display_width", "display_height", "environment"],
        _ => &[],
    }
}

/// The formats of custom tools.
fn formats(body: &Value) -> impl Iterator<Item = (String, &Value)> {
    tools(body)
        .filter(|(_, tool)| tool["type"] == "custom")
        .filter_map(|(place, tool)| Some((format!("{place}.format"), given(tool, "format")?)))
}

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "responses-tools-not-list",
        vendor: Vendor::ResponsesEvery,
        check: |body| {
            let tools = given(body, "tools")?;
            if tools.is_array() { None } else { found("tools", kind(tools)) }
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected an array of tools, but got {what} instead.",
        example: r#"{"model":"m","input":"x","tools":{}}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-tool-not-object",
        vendor: Vendor::ResponsesEvery,
        check: |body| {
            let (place, tool) = tools(body).find(|(_, tool)| !tool.is_object())?;
            found(place, kind(tool))
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected an object, but got {what} instead.",
        example: r#"{"model":"m","input":"x","tools":["f"]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-tool-type-missing",
        check: |body| {
            let (place, _) = tools(body).find(|(_, tool)| tool["type"].as_str().is_none())?;
            at(format!("{place}.type"))
        },
        code: Some("missing_required_parameter"),
        words: "Missing required parameter: '{at}'.",
        example: r#"{"model":"m","input":"x","tools":[{}]}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-tool-type-unknown",
        check: |body| {
            let kind = |tool: &Value| tool["type"].as_str().unwrap_or_default().to_owned();
            let (place, tool) = tools(body).find(|(_, t)| !KINDS.contains(&kind(t).as_str()))?;
            found(
                format!("{place}.type"),
                format!("'{}'. Supported values are: {}", kind(tool), listed(&KINDS)),
            )
        },
        code: Some("invalid_value"),
        words: "Invalid value: {what}.",
        example: r#"{"model":"m","input":"x","tools":[{"type":"web_search_20250305","name":"web_search"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-tool-name-missing",
        vendor: Vendor::ResponsesEvery,
        check: |body| {
            let (place, _) = tools(body).find(|(_, tool)| {
                is_named(tool) && !given(tool, "name").is_some_and(Value::is_string)
            })?;
            at(format!("{place}.name"))
        },
        code: Some("missing_required_parameter"),
        words: "Missing required parameter: '{at}'.",
        example: r#"{"model":"m","input":"x","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}]}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-tool-name-empty",
        check: |body| at(names(body).find(|(_, name)| name.is_empty())?.0),
        code: Some("empty_string"),
        words: "Invalid '{at}': empty string. Expected a string with minimum length 1, but got an empty string instead.",
        example: r#"{"model":"m","input":"x","tools":[{"type":"function","name":"","parameters":{"type":"object","properties":{}}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-tool-name-pattern",
        check: |body| at(names(body).find(|(_, name)| !is_name(name))?.0),
        code: Some("invalid_value"),
        words: "Invalid '{at}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
        example: r#"{"model":"m","input":"x","tools":[{"type":"function","name":"mcp.add","parameters":{"type":"object","properties":{}}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-tool-name-too-long",
        check: |body| {
            let (place, name) = names(body).find(|(_, name)| name.len() > 64)?;
            found(place, name.len())
        },
        code: Some("string_above_max_length"),
        words: "Invalid '{at}': string too long. Expected a string with maximum length 64, but got a string with length {what} instead.",
        example: r#"{"model":"m","input":"x","tools":[{"type":"function","name":"f0123456789012345678901234567890123456789012345678901234567890123456789","parameters":{"type":"object","properties":{}}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-tool-name-twice",
        check: |body| {
            let named: Vec<_> =
                list(body, "", "tools").filter(|(_, tool)| is_named(tool)).collect();
            let same =
                |at: usize| named[..at].iter().any(|(_, tool)| tool["name"] == named[at].1["name"]);
            let (place, tool) = &named[(1..named.len()).find(|at| same(*at))?];
            found(format!("{place}.name"), tool["name"].as_str().unwrap_or_default())
        },
        code: Some("invalid_value"),
        words: "Invalid '{at}': the tool name '{what}' is declared twice.",
        example: r#"{"model":"m","input":"x","tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{}}},{"type":"custom","name":"f"}]}"#,
        ..INFERRED
    },
    Rule {
        id: "responses-tool-member-missing",
        check: |body| {
            tools(body).find_map(|(place, tool)| {
                let missing = |name: &&&str| given(tool, name).is_none();
                let name =
                    required(tool["type"].as_str().unwrap_or_default()).iter().find(missing)?;
                at(format!("{place}.{name}"))
            })
        },
        code: Some("missing_required_parameter"),
        words: "Missing required parameter: '{at}'.",
        example: r#"{"model":"m","input":"x","tools":[{"type":"file_search"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-strict-not-boolean",
        check: |body| {
            functions(body).find_map(|(place, tool)| {
                let strict = given(tool, "strict")?;
                if strict.is_boolean() {
                    return None;
                }
                found(format!("{place}.strict"), kind(strict))
            })
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected a boolean, but got {what} instead.",
        example: r#"{"model":"m","input":"x","tools":[{"type":"function","name":"f","strict":"yes"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-tool-description-not-string",
        check: |body| {
            tools(body).find_map(|(place, tool)| {
                let text = given(tool, "description")?;
                if text.is_string() {
                    return None;
                }
                found(format!("{place}.description"), kind(text))
            })
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected a string, but got {what} instead.",
        example: r#"{"model":"m","input":"x","tools":[{"type":"function","name":"f","description":["y"]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-parameters-not-object",
        vendor: Vendor::ResponsesEvery,
        check: |body| {
            functions(body).find_map(|(place, tool)| {
                let schema = given(tool, "parameters")?;
                if schema.is_object() {
                    return None;
                }
                found(format!("{place}.parameters"), kind(schema))
            })
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected an object, but got {what} instead.",
        example: r#"{"model":"m","input":"x","tools":[{"type":"function","name":"f","parameters":"{}"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-parameters-root",
        check: |body| {
            schema_fault(body, |schema| {
                let root = schema["type"].as_str().unwrap_or("None");
                (root != "object").then(|| {
                    format!("schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{root}\"'.")
                })
            })
        },
        code: Some("invalid_function_parameters"),
        words: "Invalid schema for function {what}",
        example: r#"{"model":"m","input":"x","tools":[{"type":"function","name":"f","parameters":{"anyOf":[{"type":"object"}]}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-parameters-united",
        check: |body| {
            schema_fault(body, |schema| {
                let refused = ["oneOf", "anyOf", "allOf", "enum", "not"];
                refused.iter().any(|name| schema.get(name).is_some()).then(|| {
                    "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level.".to_owned()
                })
            })
        },
        code: Some("invalid_function_parameters"),
        words: "Invalid schema for function {what}",
        source: "github.com/langchain-ai/langchainjs/issues/9804",
        example: r#"{"model":"m","input":"x","tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{},"anyOf":[{"required":["a"]}]}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-parameters-without-properties",
        check: |body| {
            schema_fault(body, |schema| {
                (schema["type"] == "object" && !schema["properties"].is_object())
                    .then(|| "In context=(), object schema missing properties.".to_owned())
            })
        },
        code: Some("invalid_function_parameters"),
        words: "Invalid schema for function {what}",
        example: r#"{"model":"m","input":"x","tools":[{"type":"function","name":"f","parameters":{"type":"object"}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-parameters-array-without-items",
        check: |body| {
            schema_fault(body, |schema| {
                let bare = |schema: &Value| {
                    schema["type"] == "array"
                        && !has(schema, "items")
                        && !has(schema, "prefixItems")
                };
                let (context, _) =
                    schemas("", schema).into_iter().find(|(_, schema)| bare(schema))?;
                Some(format!("In context=({context}), array schema missing items."))
            })
        },
        code: Some("invalid_function_parameters"),
        words: "Invalid schema for function {what}",
        example: r#"{"model":"m","input":"x","tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{"a":{"type":"array"}}}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-parameters-not-strict",
        check: |body| {
            functions(body).filter(|(_, tool)| tool["strict"] == true).find_map(|(place, tool)| {
                let fault = not_strict(&tool["parameters"])?;
                let name = tool["name"].as_str().unwrap_or_default();
                found(format!("{place}.parameters"), format!("'{name}': {fault}"))
            })
        },
        code: Some("invalid_function_parameters"),
        words: "Invalid schema for function {what}",
        example: r#"{"model":"m","input":"x","tools":[{"type":"function","name":"f","strict":true,"parameters":{"type":"object","properties":{"a":{"type":"string"}},"required":[],"additionalProperties":false}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-custom-format-unknown",
        check: |body| {
            formats(body).find_map(|(place, format)| {
                let kind = format["type"].as_str().unwrap_or_default();
                if ["text", "grammar"].contains(&kind) {
                    return None;
                }
                found(format!("{place}.type"), kind)
            })
        },
        code: Some("invalid_value"),
        words: "Invalid value: '{what}'. Supported values are: 'text' and 'grammar'.",
        example: r#"{"model":"m","input":"x","tools":[{"type":"custom","name":"f","format":{"type":"json_schema"}}]}"#,
        ..REPORTED
    },
    Rule {
        id: "responses-custom-grammar-incomplete",
        check: |body| {
            formats(body).filter(|(_, format)| format["type"] == "grammar").find_map(
                |(place, format)| {
                    let missing = |name: &&str| given(format, name).is_none();
                    let name = ["syntax", "definition"].into_iter().find(missing)?;
                    at(format!("{place}.{name}"))
                },
            )
        },
        code: Some("missing_required_parameter"),
        words: "Missing required parameter: '{at}'.",
        example: r#"{"model":"m","input":"x","tools":[{"type":"custom","name":"f","format":{"type":"grammar","grammar":{"syntax":"lark","definition":"start: X"}}}]}"#,
        source: "OpenAI's API reference for Responses; Chat Completions nests these members once more",
        ..REPORTED
    },
    Rule {
        id: "responses-custom-grammar-syntax",
        check: |body| {
            formats(body).find_map(|(place, format)| {
                let syntax = given(format, "syntax")?.as_str().unwrap_or_default();
                if ["lark", "regex"].contains(&syntax) {
                    return None;
                }
                found(format!("{place}.syntax"), syntax)
            })
        },
        code: Some("invalid_value"),
        words: "Invalid value: '{what}'. Supported values are: 'lark' and 'regex'.",
        example: r#"{"model":"m","input":"x","tools":[{"type":"custom","name":"f","format":{"type":"grammar","syntax":"gbnf","definition":"root"}}]}"#,
        ..REPORTED
    },
    Rule {
        id: "responses-namespace-tools-empty",
        check: |body| {
            let (place, _) = top_tools(body).find(|(_, tool)| {
                tool["type"] == "namespace" && tool["tools"] == serde_json::json!([])
            })?;
            at(format!("{place}.tools"))
        },
        code: Some("empty_array"),
        words: "Invalid '{at}': empty array. Expected an array with minimum length 1, but got an empty array instead.",
        example: r#"{"model":"m","input":"x","tools":[{"type":"namespace","name":"n","description":"d","tools":[]}]}"#,
        ..INFERRED
    },
    Rule {
        id: "responses-namespace-tool-kind",
        check: |body| {
            top_tools(body).filter(|(_, tool)| tool["type"] == "namespace").find_map(
                |(place, namespace)| {
                    let (place, tool) = list(namespace, &place, "tools").find(|(_, tool)| {
                        !matches!(tool["type"].as_str(), Some("function" | "custom"))
                    })?;
                    found(format!("{place}.type"), tool["type"].as_str().unwrap_or_default())
                },
            )
        },
        code: Some("invalid_value"),
        words: "Invalid value: '{what}'. Supported values are: 'function' and 'custom'.",
        source: "the SDK's `NamespaceTool` holds functions and custom tools",
        example: r#"{"model":"m","input":"x","tools":[{"type":"namespace","name":"n","description":"d","tools":[{"type":"web_search"}]}]}"#,
        ..INFERRED
    },
    Rule {
        id: "responses-mcp-server-missing",
        check: |body| {
            let (place, _) = tools(body).find(|(_, tool)| {
                let to = ["server_url", "connector_id", "tunnel_id"];
                tool["type"] == "mcp" && to.iter().all(|name| given(tool, name).is_none())
            })?;
            at(place)
        },
        code: Some("missing_required_parameter"),
        words: "Missing required parameter: one of 'server_url' or 'connector_id' must be provided in '{at}'.",
        example: r#"{"model":"m","input":"x","tools":[{"type":"mcp","server_label":"s"}]}"#,
        ..REPORTED
    },
    Rule {
        id: "responses-web-search-context-size",
        check: |body| {
            tools(body).find_map(|(place, tool)| {
                let size = given(tool, "search_context_size")?.as_str().unwrap_or_default();
                if ["low", "medium", "high"].contains(&size) {
                    return None;
                }
                found(format!("{place}.search_context_size"), size)
            })
        },
        code: Some("invalid_value"),
        words: "Invalid value: '{what}'. Supported values are: 'low', 'medium', and 'high'.",
        example: r#"{"model":"m","input":"x","tools":[{"type":"web_search","search_context_size":"huge"}]}"#,
        ..REPORTED
    },
    Rule {
        id: "responses-tool-unknown-member",
        check: |body| {
            tools(body).find_map(|(place, tool)| {
                let kind = format!("tool {}", tool["type"].as_str().unwrap_or_default());
                at(WORLD.knows(&kind).then(|| WORLD.stranger(&kind, tool, &place))??)
            })
        },
        code: Some("unknown_parameter"),
        words: "Unknown parameter: '{at}'.",
        example: r#"{"model":"m","input":"x","tools":[{"type":"function","name":"f","input_schema":{"type":"object","properties":{}}}]}"#,
        ..QUOTED
    },
];
