//! Declared tools, their schemas, and the choice among them.

use serde_json::Value;

use super::super::walk::{
    at, found, functions, given, has, is_name, kind, list, members, stranger, tools,
};
use super::super::{Finding, Rule, Vendor};
use super::{INFERRED, QUOTED, REPORTED};

/// Every schema inside a schema, itself included, with its place as OpenAI writes contexts.
pub(in crate::strict) fn schemas<'a>(context: &str, schema: &'a Value) -> Vec<(String, &'a Value)> {
    let mut all = vec![(context.to_owned(), schema)];
    let inside = |name: &str| {
        if context.is_empty() { format!("'{name}'") } else { format!("{context}, '{name}'") }
    };
    for keyword in ["properties", "$defs", "definitions", "patternProperties"] {
        for (name, inner) in members(&schema[keyword]) {
            all.extend(schemas(&format!("{}, '{name}'", inside(keyword)), inner));
        }
    }
    for keyword in ["items", "additionalProperties", "not"] {
        if schema[keyword].is_object() {
            all.extend(schemas(&inside(keyword), &schema[keyword]));
        }
    }
    for keyword in ["anyOf", "oneOf", "allOf", "prefixItems"] {
        for (place, inner) in list(schema, "", keyword) {
            all.extend(schemas(&inside(&place), inner));
        }
    }
    all
}

/// What a strict schema lacks: first the closed object, then the whole list of required members.
pub(in crate::strict) fn not_strict(schema: &Value) -> Option<String> {
    schemas("", schema).into_iter().find_map(|(context, schema)| {
        let object = schema["type"] == "object" || has(schema, "properties");
        if !object {
            return None;
        }
        if schema["additionalProperties"] != false {
            return Some(format!(
                "In context=({context}), 'additionalProperties' is required to be supplied and to be false."
            ));
        }
        let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
        let (name, _) = members(&schema["properties"])
            .find(|(name, _)| !required.iter().any(|r| r.as_str() == Some(name)))?;
        Some(format!(
            "In context=({context}), 'required' is required to be supplied and to be an array including every key in properties. Missing '{name}'."
        ))
    })
}

/// The schema of a function, its place, and the function's name.
fn parameters(body: &Value) -> impl Iterator<Item = (String, &Value, &str)> {
    functions(body).filter_map(|(place, function)| {
        let schema = given(function, "parameters")?;
        Some((format!("{place}.parameters"), schema, function["name"].as_str().unwrap_or_default()))
    })
}

fn schema_fault(body: &Value, fault: fn(&Value) -> Option<String>) -> Option<Finding> {
    parameters(body)
        .find_map(|(place, schema, name)| found(place, format!("'{name}': {}", fault(schema)?)))
}

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "tools-not-array",
        vendor: Vendor::Every,
        check: |body| match given(body, "tools")? {
            tools if tools.is_array() => None,
            tools => found("tools", kind(tools)),
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected an array of objects, but got {what} instead.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":{}}"#,
        ..QUOTED
    },
    Rule {
        id: "tools-empty",
        check: |body| if body["tools"] == serde_json::json!([]) { at("tools") } else { None },
        code: Some("empty_array"),
        words: "Invalid '{at}': empty array. Expected an array with minimum length 1, but got an empty array instead.",
        source: "github.com/vllm-project/vllm/pull/39780, github.com/dnakov/anon-kode/issues/20; DeepSeek (github.com/runebookai/tome/pull/87) and Qwen refuse it too",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[]}"#,
        ..QUOTED
    },
    Rule {
        id: "tools-too-many",
        check: |body| {
            let count = body["tools"].as_array()?.len();
            if count > 128 { found("tools", count) } else { None }
        },
        code: Some("array_above_max_length"),
        words: "Invalid '{at}': array too long. Expected an array with maximum length 128, but got an array with length {what} instead.",
        source: "github.com/0x4m4/hexstrike-ai/issues/29",
        example: "129 tools",
        ..QUOTED
    },
    Rule {
        id: "tool-not-object",
        vendor: Vendor::Every,
        check: |body| {
            let (place, tool) = tools(body).find(|(_, tool)| !tool.is_object())?;
            found(place, kind(tool))
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected an object, but got {what} instead.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":["f"]}"#,
        ..QUOTED
    },
    Rule {
        id: "tool-type-missing",
        check: |body| {
            let (place, _) = tools(body).find(|(_, tool)| tool["type"].as_str().is_none())?;
            at(format!("{place}.type"))
        },
        code: Some("missing_required_parameter"),
        words: "Missing required parameter: '{at}'.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"function":{"name":"f"}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "tool-type-unknown",
        check: |body| {
            // `web_search` and `retrieval` are Zhipu's, `builtin_function` is Kimi's.
            let known = ["function", "custom", "web_search", "retrieval", "builtin_function"];
            let (place, tool) = tools(body)
                .find(|(_, tool)| !known.contains(&tool["type"].as_str().unwrap_or_default()))?;
            found(format!("{place}.type"), tool["type"].as_str().unwrap_or_default())
        },
        code: Some("invalid_value"),
        words: "Invalid value: '{what}'. Supported values are: 'function' and 'custom'.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"namespace","name":"n","tools":[]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "tool-type-custom",
        vendor: Vendor::Others,
        check: |body| {
            let (place, _) = tools(body).find(|(_, tool)| tool["type"] == "custom")?;
            at(format!("{place}.type"))
        },
        code: Some("invalid_value"),
        words: "{at}: unknown variant `custom`, expected `function`",
        source: "no vendor but OpenAI documents custom tools in Chat Completions",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"custom","custom":{"name":"f"}}]}"#,
        ..INFERRED
    },
    Rule {
        id: "tool-function-missing",
        vendor: Vendor::Every,
        check: |body| {
            let (place, _) = tools(body)
                .find(|(_, tool)| tool["type"] == "function" && !tool["function"].is_object())?;
            at(format!("{place}.function"))
        },
        code: Some("missing_required_parameter"),
        words: "Missing required parameter: '{at}'.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{}}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "tool-unknown-member",
        check: |body| {
            tools(body).find_map(|(place, tool)| {
                if tool["type"] != "function" {
                    return None;
                }
                match stranger(tool, &["type", "function", "cache_control"]) {
                    Some(name) => at(format!("{place}.{name}")),
                    None => {
                        let known = ["name", "description", "parameters", "strict"];
                        let name = stranger(&tool["function"], &known)?;
                        at(format!("{place}.function.{name}"))
                    }
                }
            })
        },
        code: Some("unknown_parameter"),
        words: "Unknown parameter: '{at}'.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f","defer_loading":true}}]}"#,
        ..REPORTED
    },
    Rule {
        id: "function-name-missing",
        vendor: Vendor::Every,
        check: |body| {
            let (place, _) = functions(body)
                .find(|(_, function)| function["name"].as_str().is_none_or(str::is_empty))?;
            at(format!("{place}.name"))
        },
        code: Some("missing_required_parameter"),
        words: "Missing required parameter: '{at}'.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "function-name-malformed",
        check: |body| {
            let (place, _) = functions(body).find(|(_, function)| {
                function["name"].as_str().is_some_and(|name| !is_name(name))
            })?;
            at(format!("{place}.name"))
        },
        code: Some("invalid_value"),
        words: "Invalid '{at}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"mcp.toy/add two"}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "function-name-too-long",
        check: |body| {
            functions(body).find_map(|(place, function)| {
                let length = function["name"].as_str()?.chars().count();
                if length > 64 { found(format!("{place}.name"), length) } else { None }
            })
        },
        code: Some("string_above_max_length"),
        words: "Invalid '{at}': string too long. Expected a string with maximum length 64, but got a string with length {what} instead.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f0123456789012345678901234567890123456789012345678901234567890123456789"}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "function-name-twice",
        check: |body| {
            let names: Vec<&str> =
                functions(body).filter_map(|(_, f)| f["name"].as_str()).collect();
            let at = (1..names.len()).find(|at| names[..*at].contains(&names[*at]))?;
            found("tools", names[at])
        },
        words: "Tool names must be unique.",
        source: "DeepSeek's words (github.com/decolua/9router/pull/3333, where GLM, MiniMax and Kimi accepted the same); Anthropic and Gemini refuse behind their Chat endpoints",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"f"}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "function-description-not-string",
        check: |body| {
            let (place, function) = functions(body)
                .find(|(_, f)| given(f, "description").is_some_and(|text| !text.is_string()))?;
            found(format!("{place}.description"), kind(&function["description"]))
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected a string, but got {what} instead.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f","description":["x"]}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "function-strict-not-boolean",
        check: |body| {
            let (place, function) = functions(body)
                .find(|(_, f)| given(f, "strict").is_some_and(|strict| !strict.is_boolean()))?;
            found(format!("{place}.strict"), kind(&function["strict"]))
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected a boolean, but got {what} instead.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f","strict":"yes"}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "parameters-not-object",
        vendor: Vendor::Every,
        check: |body| {
            let (place, function) = functions(body)
                .find(|(_, f)| given(f, "parameters").is_some_and(|schema| !schema.is_object()))?;
            found(format!("{place}.parameters"), kind(&function["parameters"]))
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected an object, but got {what} instead.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f","parameters":"{}"}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "parameters-root-not-object",
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
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"array","items":{}}}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "parameters-without-properties",
        check: |body| {
            schema_fault(body, |schema| {
                let (context, _) =
                    schemas("", schema).into_iter().take(1).find(|(_, schema)| {
                        schema["type"] == "object" && !schema["properties"].is_object()
                    })?;
                Some(format!("In context=({context}), object schema missing properties."))
            })
        },
        code: Some("invalid_function_parameters"),
        words: "Invalid schema for function {what}",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "parameters-array-without-items",
        check: |body| {
            schema_fault(body, |schema| {
                let (context, _) = schemas("", schema).into_iter().find(|(_, schema)| {
                    schema["type"] == "array"
                        && !has(schema, "items")
                        && !has(schema, "prefixItems")
                })?;
                Some(format!("In context=({context}), array schema missing items."))
            })
        },
        code: Some("invalid_function_parameters"),
        words: "Invalid schema for function {what}",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"a":{"type":"array"}}}}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "parameters-malformed",
        check: |body| {
            schema_fault(body, |schema| {
                schemas("", schema).into_iter().find_map(|(context, schema)| {
                    let strings = |value: &Value| {
                        value.as_array().is_some_and(|list| list.iter().all(Value::is_string))
                    };
                    let fault = if given(schema, "required").is_some_and(|list| !strings(list)) {
                        "'required' must be an array of strings."
                    } else if given(schema, "properties").is_some_and(|value| !value.is_object()) {
                        "'properties' must be an object."
                    } else if given(schema, "type").is_some_and(|t| !t.is_string() && !strings(t)) {
                        "'type' must be a string or an array of strings."
                    } else if given(schema, "enum").is_some_and(|value| !value.is_array()) {
                        "'enum' must be an array."
                    } else {
                        return None;
                    };
                    Some(format!("In context=({context}), {fault}"))
                })
            })
        },
        code: Some("invalid_function_parameters"),
        words: "Invalid schema for function {what}",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"a":{"type":"string"}},"required":"a"}}}]}"#,
        ..REPORTED
    },
    Rule {
        id: "parameters-responses-only",
        check: |body| {
            schema_fault(body, |schema| {
                let (context, _) =
                    schemas("", schema).into_iter().find(|(_, schema)| has(schema, "encrypted"))?;
                Some(format!("In context=({context}), 'encrypted' is not permitted."))
            })
        },
        code: Some("invalid_function_parameters"),
        words: "Invalid schema for function {what}",
        source: "a keyword of Codex's own tools; servers that check keywords (Gemini, strict grammars) refuse it",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"a":{"type":"string","encrypted":true}}}}}]}"#,
        ..INFERRED
    },
    Rule {
        id: "parameters-not-strict",
        check: |body| {
            functions(body).filter(|(_, function)| function["strict"] == true).find_map(
                |(place, f)| {
                    let fault = not_strict(&f["parameters"])?;
                    found(
                        format!("{place}.parameters"),
                        format!("'{}': {fault}", f["name"].as_str().unwrap_or_default()),
                    )
                },
            )
        },
        code: Some("invalid_function_parameters"),
        words: "Invalid schema for function {what}",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f","strict":true,"parameters":{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "choice-without-tools",
        check: |body| {
            given(body, "tool_choice")?;
            if given(body, "tools").is_some() { None } else { at("tool_choice") }
        },
        words: "Invalid value for '{at}': '{at}' is only allowed when 'tools' are specified.",
        source: "OpenAI's answers, checked case by case in github.com/vllm-project/vllm/pull/40311",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tool_choice":"auto"}"#,
        ..QUOTED
    },
    Rule {
        id: "choice-unknown",
        check: |body| {
            let choice = given(body, "tool_choice")?.as_str()?;
            if ["none", "auto", "required"].contains(&choice) {
                None
            } else {
                found("tool_choice", choice)
            }
        },
        code: Some("invalid_value"),
        words: "Invalid value: '{what}'. Supported values are: 'none', 'auto', and 'required'.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"any"}"#,
        ..QUOTED
    },
    Rule {
        id: "choice-malformed",
        check: |body| {
            let choice = given(body, "tool_choice")?;
            match choice {
                Value::String(_) => None,
                Value::Object(_) => match choice["type"].as_str() {
                    None => at("tool_choice.type"),
                    // Here the shape of the Responses API shows: the name stands outside.
                    Some("function") if choice["function"]["name"].as_str().is_none() => {
                        at("tool_choice.function")
                    }
                    Some(_) => None,
                },
                _ => at("tool_choice"),
            }
        },
        code: Some("missing_required_parameter"),
        words: "Missing required parameter: '{at}'.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function","name":"f"}}"#,
        ..QUOTED
    },
    Rule {
        id: "choice-undeclared",
        check: |body| {
            let name = body["tool_choice"]["function"]["name"].as_str()?;
            let declared = functions(body).any(|(_, function)| function["name"] == name);
            if declared { None } else { found("tool_choice", name) }
        },
        words: "Invalid value for '{at}': Tool choice '{what}' not found in 'tools' parameter.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function","function":{"name":"g"}}}"#,
        ..REPORTED
    },
    Rule {
        id: "parallel-without-tools",
        check: |body| {
            given(body, "parallel_tool_calls")?;
            if given(body, "tools").is_some() { None } else { at("parallel_tool_calls") }
        },
        words: "Invalid value for '{at}': '{at}' is only allowed when 'tools' are specified.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"parallel_tool_calls":true}"#,
        ..QUOTED
    },
    Rule {
        id: "parallel-not-boolean",
        check: |body| {
            let parallel = given(body, "parallel_tool_calls")?;
            if parallel.is_boolean() { None } else { found("parallel_tool_calls", kind(parallel)) }
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected a boolean, but got {what} instead.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f"}}],"parallel_tool_calls":1}"#,
        ..QUOTED
    },
    Rule {
        id: "functions-beside-tools",
        check: |body| {
            given(body, "functions")?;
            given(body, "tools")?;
            at("functions")
        },
        words: "Invalid value for '{at}': '{at}' and 'tools' cannot be given together.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f"}}],"functions":[{"name":"f"}]}"#,
        ..INFERRED
    },
];
