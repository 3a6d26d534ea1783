//! The body as a whole: that it is one, its model and input, members that it must not have, and
//! the types of its members.

use serde_json::Value;

use super::super::walk::{at, found, given, kind, members};
use super::super::{Door, Finding, Rule, Vendor};
use super::world::WORLD;
use super::{MEASURED, QUOTED, REPORTED};

/// Members of Chat Completions that the server recognizes, with the place that they moved to.
const MOVED: [(&str, &str); 4] = [
    ("messages", "input"),
    ("reasoning_effort", "reasoning.effort"),
    ("response_format", "text.format"),
    ("verbosity", "text.verbosity"),
];

/// The first of these members that is there and not of the type.
fn mistyped(body: &Value, names: &[&str], fits: fn(&Value) -> bool) -> Option<Finding> {
    let name = names.iter().find(|name| given(body, name).is_some_and(|value| !fits(value)))?;
    found(*name, kind(&body[*name]))
}

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "responses-body-not-object",
        vendor: Vendor::ResponsesEvery,
        check: |body| if body.is_object() { None } else { at("") },
        words: "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)",
        example: "[]",
        ..QUOTED
    },
    Rule {
        id: "responses-model-missing",
        vendor: Vendor::ResponsesEvery,
        check: |body| if given(body, "model").is_some() { None } else { at("model") },
        code: Some("missing_required_parameter"),
        words: "Missing required parameter: '{at}'.",
        example: r#"{"input":"x"}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-model-not-string",
        vendor: Vendor::ResponsesEvery,
        check: |body| mistyped(body, &["model"], Value::is_string),
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected a string, but got {what} instead.",
        example: r#"{"model":7,"input":"x"}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-member-moved",
        check: |body| {
            let (name, to) = MOVED.iter().find(|(name, _)| body.get(name).is_some())?;
            found(*name, to)
        },
        code: Some("unsupported_parameter"),
        words: "Unsupported parameter: '{at}'. In the Responses API, this parameter has moved to '{what}'. Try again with the new parameter. See the API documentation for more information: https://platform.openai.com/docs/api-reference/responses/create.",
        example: r#"{"model":"m","input":"x","response_format":{"type":"json_object"}}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-input-missing",
        vendor: Vendor::ResponsesEvery,
        check: |body| {
            // A stored prompt or conversation may bring the input along.
            let brought = given(body, "prompt").or_else(|| given(body, "conversation"));
            if body.get("input").is_some() || brought.is_some() { None } else { at("input") }
        },
        code: Some("missing_required_parameter"),
        words: "Missing required parameter: '{at}'.",
        example: r#"{"model":"m"}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-unknown-member",
        door: Door::Answer,
        check: |body| {
            let stranger = |name: &&String| !WORLD.knows(&format!("field {name}"));
            at(members(body).map(|(name, _)| name).find(stranger)?)
        },
        code: Some("unknown_parameter"),
        words: "Unknown parameter: '{at}'.",
        example: r#"{"model":"m","input":"x","stop":["y"]}"#,
        ..MEASURED
    },
    Rule {
        id: "count-unknown-member",
        door: Door::Count,
        check: |body| {
            let stranger = |name: &&String| !WORLD.knows(&format!("count {name}"));
            at(members(body).map(|(name, _)| name).find(stranger)?)
        },
        code: Some("unknown_parameter"),
        words: "Unknown parameter: '{at}'.",
        source: "the members that the SDK sends to `/v1/responses/input_tokens`; the words are those of `/v1/responses`",
        example: r#"{"model":"m","input":"x","max_output_tokens":64}"#,
        ..REPORTED
    },
    Rule {
        id: "responses-input-not-list",
        vendor: Vendor::ResponsesEvery,
        check: |body| {
            let input = body.get("input")?;
            if input.is_string() || input.is_array() { None } else { found("input", kind(input)) }
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected one of a string or array of input items, but got {what} instead.",
        example: r#"{"model":"m","input":{"role":"user","content":"x"}}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-unknown-inner-member",
        door: Door::Answer,
        check: |body| at(WORLD.stranger("field", body, "")?),
        code: Some("unknown_parameter"),
        words: "Unknown parameter: '{at}'.",
        example: r#"{"model":"m","input":"x","stream":true,"stream_options":{"include_usage":true}}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-stream-not-boolean",
        vendor: Vendor::ResponsesEvery,
        check: |body| mistyped(body, &["stream"], Value::is_boolean),
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected a boolean, but got {what} instead.",
        example: r#"{"model":"m","input":"x","stream":"yes"}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-boolean-expected",
        check: |body| {
            mistyped(body, &["parallel_tool_calls", "background", "store"], Value::is_boolean)
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected a boolean, but got {what} instead.",
        example: r#"{"model":"m","input":"x","parallel_tool_calls":"yes"}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-string-expected",
        check: |body| {
            let names = [
                "previous_response_id",
                "user",
                "safety_identifier",
                "prompt_cache_key",
                "prompt_cache_retention",
                "truncation",
                "instructions",
                "service_tier",
            ];
            mistyped(body, &names, Value::is_string)
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected a string, but got {what} instead.",
        example: r#"{"model":"m","input":"x","instructions":[{"type":"text","text":"y"}]}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-integer-expected",
        check: |body| {
            let names = ["max_output_tokens", "max_tool_calls", "top_logprobs"];
            mistyped(body, &names, |value| value.is_i64() || value.is_u64())
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected an integer, but got {what} instead.",
        example: r#"{"model":"m","input":"x","max_output_tokens":"64"}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-decimal-expected",
        check: |body| {
            let names = ["temperature", "top_p", "presence_penalty", "frequency_penalty"];
            mistyped(body, &names, Value::is_number)
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected a decimal, but got {what} instead.",
        example: r#"{"model":"m","input":"x","temperature":"hot"}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-object-expected",
        check: |body| {
            let names = ["reasoning", "text", "stream_options", "prompt", "prompt_cache_options"];
            mistyped(body, &names, Value::is_object)
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected an object, but got {what} instead.",
        example: r#"{"model":"m","input":"x","reasoning":"low"}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-include-not-list",
        check: |body| mistyped(body, &["include"], Value::is_array),
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected an array of strings, but got {what} instead.",
        example: r#"{"model":"m","input":"x","include":"reasoning.encrypted_content"}"#,
        ..REPORTED
    },
    Rule {
        id: "responses-context-management-not-list",
        check: |body| mistyped(body, &["context_management"], Value::is_array),
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected an array of objects, but got {what} instead.",
        example: r#"{"model":"m","input":"x","context_management":{"type":"compaction"}}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-metadata-not-object",
        check: |body| mistyped(body, &["metadata"], Value::is_object),
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected a metadata object, but got {what} instead.",
        example: r#"{"model":"m","input":"x","metadata":"y"}"#,
        ..MEASURED
    },
];
