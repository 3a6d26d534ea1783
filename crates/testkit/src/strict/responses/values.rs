//! Values of members that have a list or a range.

use serde_json::Value;

use super::super::walk::{at, found, given, kind, list, members};
use super::super::{Finding, Rule};
use super::walk::listed;
use super::{MEASURED, QUOTED, REPORTED};

/// What `include` can ask for.
const INCLUDE: [&str; 8] = [
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
];

/// A text member that is not one of the list; `{what}` is the value and the list.
fn unlisted(value: &Value, place: &str, known: &[&str]) -> Option<Finding> {
    let text = value.as_str()?;
    if known.contains(&text) {
        return None;
    }
    found(place, format!("'{text}'. Supported values are: {}", listed(known)))
}

/// The first of these members that is outside its range, on one side.
fn beyond(
    body: &Value,
    bounds: &[(&str, f64)],
    is_beyond: fn(f64, f64) -> bool,
) -> Option<Finding> {
    bounds.iter().find_map(|(name, bound)| {
        let value = body[*name].as_f64().filter(|value| is_beyond(*value, *bound))?;
        found(*name, format!("{bound}, but got {value}"))
    })
}

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "responses-include-unknown",
        check: |body| {
            list(body, "", "include").find_map(|(place, value)| unlisted(value, &place, &INCLUDE))
        },
        code: Some("invalid_value"),
        words: "Invalid value: {what}.",
        example: r#"{"model":"m","input":"x","include":["usage"]}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-service-tier-unknown",
        check: |body| {
            let known = ["auto", "default", "fast", "flex", "priority"];
            unlisted(given(body, "service_tier")?, "service_tier", &known)
        },
        code: Some("invalid_value"),
        words: "Invalid value: {what}.",
        example: r#"{"model":"m","input":"x","service_tier":"standard_only"}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-truncation-unknown",
        check: |body| unlisted(given(body, "truncation")?, "truncation", &["auto", "disabled"]),
        code: Some("invalid_value"),
        words: "Invalid value: {what}.",
        example: r#"{"model":"m","input":"x","truncation":"middle"}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-cache-retention-unknown",
        check: |body| {
            let name = "prompt_cache_retention";
            unlisted(given(body, name)?, name, &["in_memory", "24h"])
        },
        code: Some("invalid_value"),
        words: "Invalid value: {what}.",
        example: r#"{"model":"m","input":"x","prompt_cache_retention":"1h"}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-effort-mistyped",
        check: |body| {
            let effort = given(given(body, "reasoning")?, "effort")?;
            if effort.is_string() { None } else { found("reasoning.effort", kind(effort)) }
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected one of one of 'none', 'minimal', 'low', 'medium', 'high', 'xhigh', or 'max' or integer, but got {what} instead.",
        example: r#"{"model":"m","input":"x","reasoning":{"effort":["low"]}}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-effort-unknown",
        check: |body| {
            let known = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
            unlisted(&body["reasoning"]["effort"], "reasoning.effort", &known)
        },
        code: Some("invalid_value"),
        words: "Invalid value: {what}.",
        example: r#"{"model":"m","input":"x","reasoning":{"effort":"ultra"}}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-summary-unknown",
        check: |body| {
            let known = ["concise", "detailed", "auto"];
            unlisted(&body["reasoning"]["summary"], "reasoning.summary", &known)
        },
        code: Some("invalid_value"),
        words: "Invalid value: {what}.",
        example: r#"{"model":"m","input":"x","reasoning":{"summary":"none"}}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-integer-too-small",
        check: |body| {
            let least =
                [("max_output_tokens", 16.0), ("max_tool_calls", 1.0), ("top_logprobs", 0.0)];
            beyond(body, &least, |value, bound| value < bound)
        },
        code: Some("integer_below_min_value"),
        words: "Invalid '{at}': integer below minimum value. Expected a value >= {what} instead.",
        source: "measured on 2026-08-31; github.com/vectorize-io/hindsight/issues/58, github.com/UKGovernmentBEIS/inspect_evals/issues/694",
        example: r#"{"model":"m","input":"x","max_output_tokens":15}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-integer-too-large",
        check: |body| beyond(body, &[("top_logprobs", 20.0)], |value, bound| value > bound),
        code: Some("integer_above_max_value"),
        words: "Invalid '{at}': integer above maximum value. Expected a value <= {what} instead.",
        example: r#"{"model":"m","input":"x","top_logprobs":21}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-decimal-too-small",
        check: |body| {
            let least = [
                ("temperature", 0.0),
                ("top_p", 0.0),
                ("presence_penalty", -2.0),
                ("frequency_penalty", -2.0),
            ];
            beyond(body, &least, |value, bound| value < bound)
        },
        code: Some("decimal_below_min_value"),
        words: "Invalid '{at}': decimal below minimum value. Expected a value >= {what} instead.",
        example: r#"{"model":"m","input":"x","temperature":-0.5}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-decimal-too-large",
        check: |body| {
            let most = [
                ("temperature", 2.0),
                ("top_p", 1.0),
                ("presence_penalty", 2.0),
                ("frequency_penalty", 2.0),
            ];
            beyond(body, &most, |value, bound| value > bound)
        },
        code: Some("decimal_above_max_value"),
        words: "Invalid '{at}': decimal above maximum value. Expected a value <= {what} instead.",
        example: r#"{"model":"m","input":"x","top_p":1.5}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-metadata-too-many",
        check: |body| {
            let count = body["metadata"].as_object()?.len();
            if count > 16 { found("metadata", count) } else { None }
        },
        code: Some("object_above_max_properties"),
        words: "Invalid '{at}': too many properties. Expected an object with at most 16 properties, but got an object with {what} properties instead.",
        example: r#"{"model":"m","input":"x","metadata":{"a":"1","b":"1","c":"1","d":"1","e":"1","f":"1","g":"1","h":"1","i":"1","j":"1","k":"1","l":"1","m":"1","n":"1","o":"1","p":"1","q":"1"}}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-metadata-value",
        check: |body| {
            let (name, value) = members(&body["metadata"]).find(|(_, value)| !value.is_string())?;
            found(format!("metadata.{name}"), kind(value))
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected a string, but got {what} instead.",
        example: r#"{"model":"m","input":"x","metadata":{"a":1}}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-metadata-too-long",
        check: |body| {
            members(&body["metadata"]).find_map(|(name, value)| {
                let (key, text) = (name.chars().count(), value.as_str()?.chars().count());
                if key > 64 {
                    return found("metadata", format!("64, but got a string with length {key}"));
                }
                let place = format!("metadata.{name}");
                (text > 512)
                    .then(|| found(place, format!("512, but got a string with length {text}")))?
            })
        },
        code: Some("string_above_max_length"),
        words: "Invalid '{at}': string too long. Expected a string with maximum length {what} instead.",
        example: r#"{"model":"m","input":"x","metadata":{"k0123456789012345678901234567890123456789012345678901234567890123456789":"v"}}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-identifier-too-long",
        check: |body| {
            let length = |name: &str| body[name].as_str().map_or(0, |text| text.chars().count());
            let name = ["safety_identifier", "prompt_cache_key", "user"]
                .into_iter()
                .find(|name| length(name) > 64)?;
            found(name, length(name))
        },
        code: Some("string_above_max_length"),
        words: "Invalid '{at}': string too long. Expected a string with maximum length 64, but got a string with length {what} instead.",
        source: "corpus/spec/openresponses-openapi.json, `CreateResponseBody`, and public issue reports; the SDK says 128 for `safety_identifier`",
        example: r#"{"model":"m","input":"x","prompt_cache_key":"0123456789012345678901234567890123456789012345678901234567890123456789"}"#,
        ..REPORTED
    },
    Rule {
        id: "responses-stream-options-without-stream",
        check: |body| {
            given(body, "stream_options")?;
            if body["stream"] == true { None } else { at("stream_options") }
        },
        words: "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        example: r#"{"model":"m","input":"x","stream_options":{"include_obfuscation":false}}"#,
        ..REPORTED
    },
];
