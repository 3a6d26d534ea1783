//! The choice among the declared tools.

use serde_json::Value;

use super::super::walk::{at, found, given, kind, list};
use super::super::{Finding, Rule};
use super::tools::is_named;
use super::walk::{tools, top_tools};
use super::world::WORLD;
use super::{MEASURED, QUOTED, REPORTED};

/// The forms that name nothing but a kind of hosted tool.
const HOSTED: [&str; 10] = [
    "file_search",
    "web_search",
    "web_search_preview",
    "web_search_preview_2025_03_11",
    "computer",
    "computer_use_preview",
    "image_generation",
    "code_interpreter",
    "apply_patch",
    "shell",
];

/// Whether a choice, or an entry of a list of allowed tools, names something that is declared.
fn is_declared(body: &Value, choice: &Value) -> bool {
    let kind = choice["type"].as_str().unwrap_or_default();
    match kind {
        "function" | "custom" => {
            let same = |tool: &Value| tool["type"] == kind && tool["name"] == choice["name"];
            tools(body).any(|(_, tool)| same(tool))
        }
        "mcp" => top_tools(body).any(|(_, tool)| {
            tool["type"] == "mcp" && tool["server_label"] == choice["server_label"]
        }),
        _ => top_tools(body).any(|(_, tool)| tool["type"] == kind),
    }
}

/// What the words call a choice that is not declared.
fn undeclared(body: &Value, place: &str, choice: &Value) -> Option<Finding> {
    if is_declared(body, choice) {
        return None;
    }
    let kind = choice["type"].as_str().unwrap_or_default();
    found(place, choice["name"].as_str().filter(|_| is_named(choice)).unwrap_or(kind))
}

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "responses-choice-mistyped",
        check: |body| {
            let choice = given(body, "tool_choice")?;
            if choice.is_string() || choice.is_object() {
                return None;
            }
            found("tool_choice", kind(choice))
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected one of an object or 'none', 'auto', or 'required', but got {what} instead.",
        example: r#"{"model":"m","input":"x","tool_choice":7}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-choice-unknown-word",
        check: |body| {
            let choice = given(body, "tool_choice")?.as_str()?;
            if ["none", "auto", "required"].contains(&choice) {
                return None;
            }
            found("tool_choice", choice)
        },
        code: Some("invalid_value"),
        words: "Invalid value: '{what}'. Supported values are: 'none', 'auto', and 'required'.",
        example: r#"{"model":"m","input":"x","tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{}}}],"tool_choice":"any"}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-choice-type-missing",
        check: |body| {
            let choice = given(body, "tool_choice").filter(|choice| choice.is_object())?;
            if choice["type"].is_string() { None } else { at("tool_choice.type") }
        },
        code: Some("missing_required_parameter"),
        words: "Missing required parameter: '{at}'.",
        example: r#"{"model":"m","input":"x","tool_choice":{"name":"f"}}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-choice-type-unknown",
        check: |body| {
            let kind = given(body, "tool_choice")?["type"].as_str()?;
            let named = ["function", "custom", "mcp", "allowed_tools", "programmatic_tool_calling"];
            if named.contains(&kind) || HOSTED.contains(&kind) {
                return None;
            }
            found("tool_choice.type", kind)
        },
        code: Some("invalid_value"),
        words: "Invalid value: '{what}'. Supported values are: 'function', 'custom', 'mcp', 'allowed_tools', and the types of hosted tools.",
        example: r#"{"model":"m","input":"x","tool_choice":{"type":"tool","name":"f"}}"#,
        ..REPORTED
    },
    Rule {
        id: "responses-choice-name-missing",
        check: |body| {
            let choice = given(body, "tool_choice")?;
            let name = match choice["type"].as_str()? {
                "function" | "custom" => "name",
                "mcp" => "server_label",
                _ => return None,
            };
            if choice[name].is_string() { None } else { at(format!("tool_choice.{name}")) }
        },
        code: Some("missing_required_parameter"),
        words: "Missing required parameter: '{at}'.",
        example: r#"{"model":"m","input":"x","tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{}}}],"tool_choice":{"type":"function","function":{"name":"f"}}}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-choice-allowed-incomplete",
        check: |body| {
            let choice = given(body, "tool_choice")?;
            if choice["type"] != "allowed_tools" {
                return None;
            }
            let missing = |name: &&str| given(choice, name).is_none();
            at(format!("tool_choice.{}", ["mode", "tools"].into_iter().find(missing)?))
        },
        code: Some("missing_required_parameter"),
        words: "Missing required parameter: '{at}'.",
        example: r#"{"model":"m","input":"x","tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[]}}}"#,
        source: "OpenAI's API reference for Responses; Chat Completions nests these members once more",
        ..REPORTED
    },
    Rule {
        id: "responses-choice-allowed-mode",
        check: |body| {
            let choice = given(body, "tool_choice")?;
            let mode = choice["mode"].as_str().unwrap_or_default();
            if choice["type"] != "allowed_tools" || ["auto", "required"].contains(&mode) {
                return None;
            }
            found("tool_choice.mode", mode)
        },
        code: Some("invalid_value"),
        words: "Invalid value: '{what}'. Supported values are: 'auto' and 'required'.",
        example: r#"{"model":"m","input":"x","tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{}}}],"tool_choice":{"type":"allowed_tools","mode":"any","tools":[{"type":"function","name":"f"}]}}"#,
        ..REPORTED
    },
    Rule {
        id: "responses-choice-required-without-tools",
        check: |body| {
            if body["tool_choice"] != "required" || top_tools(body).next().is_some() {
                return None;
            }
            at("tool_choice")
        },
        words: "Tool choice 'required' must be specified with 'tools' parameter.",
        example: r#"{"model":"m","input":"x","tool_choice":"required"}"#,
        ..REPORTED
    },
    Rule {
        id: "responses-choice-undeclared",
        check: |body| {
            let choice = given(body, "tool_choice").filter(|choice| choice.is_object())?;
            if choice["type"] == "allowed_tools" {
                return list(choice, "tool_choice", "tools")
                    .find_map(|(_, tool)| undeclared(body, "tool_choice", tool));
            }
            undeclared(body, "tool_choice", choice)
        },
        words: "Tool choice '{what}' not found in 'tools' parameter.",
        example: r#"{"model":"m","input":"x","tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{}}}],"tool_choice":{"type":"function","name":"g"}}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-choice-unknown-member",
        check: |body| {
            let choice = given(body, "tool_choice")?;
            at(WORLD.stranger("field tool_choice", choice, "tool_choice")?)
        },
        code: Some("unknown_parameter"),
        words: "Unknown parameter: '{at}'.",
        example: r#"{"model":"m","input":"x","tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{}}}],"tool_choice":{"type":"function","name":"f","disable_parallel_tool_use":true}}"#,
        ..QUOTED
    },
];
