//! The members of calls and of their outputs, one item at a time.

use serde_json::Value;

use super::super::walk::{at, found, given, is_name, kind};
use super::super::{Rule, Vendor};
use super::walk::{items, kind_of};
use super::{QUOTED, REPORTED};

/// The members that an item of this kind cannot do without.
fn required(kind: &str) -> &'static [&'static str] {
    match kind {
        "function_call" => &["call_id", "name", "arguments"],
        "custom_tool_call" => &["call_id", "name", "input"],
        "function_call_output" | "custom_tool_call_output" => &["call_id", "output"],
        "tool_search_call" => &["arguments"],
        "tool_search_output" => &["tools"],
        "local_shell_call" => &["call_id", "action"],
        "local_shell_call_output" => &["output"],
        "compaction" => &["encrypted_content"],
        "item_reference" => &["id"],
        _ => &[],
    }
}

/// The members of calls that are text.
const TEXTS: [(&str, &str); 7] = [
    ("function_call", "arguments"),
    ("function_call", "name"),
    ("function_call", "call_id"),
    ("custom_tool_call", "input"),
    ("custom_tool_call", "name"),
    ("custom_tool_call", "call_id"),
    ("function_call_output", "call_id"),
];

/// The `call_id` of every item that has one, with its place.
fn call_ids(body: &Value) -> impl Iterator<Item = (String, &str)> {
    items(body)
        .filter_map(|(place, item)| Some((format!("{place}.call_id"), item["call_id"].as_str()?)))
}

/// The names of called tools, with their places.
fn names(body: &Value) -> impl Iterator<Item = (String, &str)> {
    items(body)
        .filter(|(_, item)| matches!(kind_of(item), "function_call" | "custom_tool_call"))
        .filter_map(|(place, item)| Some((format!("{place}.name"), item["name"].as_str()?)))
}

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "responses-call-member-missing",
        vendor: Vendor::ResponsesEvery,
        check: |body| {
            items(body).find_map(|(place, item)| {
                let missing = |name: &&&str| given(item, name).is_none();
                let name = required(kind_of(item)).iter().find(missing)?;
                at(format!("{place}.{name}"))
            })
        },
        code: Some("missing_required_parameter"),
        words: "Missing required parameter: '{at}'.",
        source: "answers of api.openai.com, as quoted in public issue reports; strict servers refuse it alike (github.com/openai/codex/issues/42088)",
        example: r#"{"model":"m","input":[{"type":"function_call_output","output":"x"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-call-member-not-string",
        vendor: Vendor::ResponsesEvery,
        check: |body| {
            items(body).find_map(|(place, item)| {
                let (_, name) = TEXTS.iter().find(|(kind, name)| {
                    *kind == kind_of(item) && given(item, name).is_some_and(|v| !v.is_string())
                })?;
                found(format!("{place}.{name}"), kind(&item[*name]))
            })
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected a string, but got {what} instead.",
        example: r#"{"model":"m","input":[{"type":"function_call","call_id":"c","name":"f","arguments":{"a":1}},{"type":"function_call_output","call_id":"c","output":"x"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-call-output-mistyped",
        vendor: Vendor::ResponsesEvery,
        check: |body| {
            let (place, item) = items(body).find(|(_, item)| {
                matches!(kind_of(item), "function_call_output" | "custom_tool_call_output")
                    && !item["output"].is_string()
                    && !item["output"].is_array()
            })?;
            found(format!("{place}.output"), kind(&item["output"]))
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected one of an array of objects or string, but got {what} instead.",
        example: r#"{"model":"m","input":[{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":{"a":1}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-call-id-empty",
        check: |body| at(call_ids(body).find(|(_, id)| id.is_empty())?.0),
        code: Some("empty_string"),
        words: "Invalid '{at}': empty string. Expected a string with minimum length 1, but got an empty string instead.",
        example: r#"{"model":"m","input":[{"type":"function_call","call_id":"","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"","output":"x"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-call-id-above-64",
        check: |body| {
            let (place, id) = call_ids(body).find(|(_, id)| id.chars().count() > 64)?;
            found(place, id.chars().count())
        },
        code: Some("string_above_max_length"),
        words: "Invalid '{at}': string too long. Expected a string with maximum length 64, but got a string with length {what} instead.",
        source: "github.com/openai/codex/issues/14355, github.com/AnswerDotAI/fastllm/issues/45, and many more",
        example: r#"{"model":"m","input":[{"type":"function_call","call_id":"call_0123456789012345678901234567890123456789012345678901234567890123456789","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"call_0123456789012345678901234567890123456789012345678901234567890123456789","output":"x"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-call-name-empty",
        check: |body| at(names(body).find(|(_, name)| name.is_empty())?.0),
        code: Some("empty_string"),
        words: "Invalid '{at}': empty string. Expected a string with minimum length 1, but got an empty string instead.",
        example: r#"{"model":"m","input":[{"type":"function_call","call_id":"c","name":"","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"x"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-call-name-pattern",
        check: |body| at(names(body).find(|(_, name)| !is_name(name))?.0),
        code: Some("invalid_value"),
        words: "Invalid '{at}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
        example: r#"{"model":"m","input":[{"type":"function_call","call_id":"c","name":"mcp.add","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"x"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-call-name-above-64",
        check: |body| {
            let (place, name) = names(body).find(|(_, name)| name.len() > 64)?;
            found(place, name.len())
        },
        code: Some("string_above_max_length"),
        words: "Invalid '{at}': string too long. Expected a string with maximum length 64, but got a string with length {what} instead.",
        source: "corpus/spec/openresponses-openapi.json, `FunctionCallItemParam`; the words are those for `call_id`",
        example: r#"{"model":"m","input":[{"type":"function_call","call_id":"c","name":"f0123456789012345678901234567890123456789012345678901234567890123456789","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"x"}]}"#,
        ..REPORTED
    },
];
