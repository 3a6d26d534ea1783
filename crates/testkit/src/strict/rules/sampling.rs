//! Numbers and their ranges, and members that take one word out of a list.

use serde_json::Value;

use super::super::walk::{at, found, given, kind, list};
use super::super::{Finding, Rule, Vendor};
use super::{QUOTED, REPORTED};

/// A number outside its range, or no number; what fills OpenAI's words from the colon on.
pub(super) fn range(body: &Value, member: &str, low: f64, high: f64) -> Option<Finding> {
    let value = given(body, member)?;
    match value.as_f64() {
        None => found(member, format!("expected a decimal, but got {} instead", kind(value))),
        Some(number) if number > high => found(
            member,
            format!(
                "decimal above maximum value. Expected a value <= {high}, but got {value} instead"
            ),
        ),
        Some(number) if number < low => found(
            member,
            format!(
                "decimal below minimum value. Expected a value >= {low}, but got {value} instead"
            ),
        ),
        Some(_) => None,
    }
}

/// An integer outside its range, or no integer.
pub(super) fn whole(body: &Value, member: &str, low: i64, high: i64) -> Option<Finding> {
    let value = given(body, member)?;
    match value.as_i64() {
        None => found(member, format!("expected an integer, but got {} instead", kind(value))),
        Some(number) if number > high => found(
            member,
            format!(
                "integer above maximum value. Expected a value <= {high}, but got {number} instead"
            ),
        ),
        Some(number) if number < low => found(
            member,
            format!(
                "integer below minimum value. Expected a value >= {low}, but got {number} instead"
            ),
        ),
        Some(_) => None,
    }
}

/// A word that is not in the list.
fn word(body: &Value, member: &str, known: &[&str]) -> Option<Finding> {
    let value = given(body, member)?;
    match value.as_str() {
        Some(text) if known.contains(&text) => None,
        Some(text) => found(member, text),
        None => found(member, kind(value)),
    }
}

const INVALID: &str = "Invalid '{at}': {what}.";

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "max-tokens-twice",
        check: |body| {
            given(body, "max_tokens")?;
            given(body, "max_completion_tokens")?;
            at("max_tokens")
        },
        code: Some("invalid_parameter_combination"),
        words: "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":1,"max_completion_tokens":1}"#,
        ..QUOTED
    },
    Rule {
        id: "max-tokens-range",
        check: |body| {
            whole(body, "max_tokens", 1, i64::MAX)
                .or_else(|| whole(body, "max_completion_tokens", 1, i64::MAX))
        },
        code: Some("integer_below_min_value"),
        words: INVALID,
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":0}"#,
        ..QUOTED
    },
    Rule {
        id: "temperature-range",
        check: |body| range(body, "temperature", 0.0, 2.0),
        code: Some("decimal_above_max_value"),
        words: INVALID,
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"temperature":2.5}"#,
        ..QUOTED
    },
    Rule {
        id: "top-p-range",
        check: |body| range(body, "top_p", 0.0, 1.0),
        code: Some("decimal_above_max_value"),
        words: INVALID,
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"top_p":1.5}"#,
        ..QUOTED
    },
    Rule {
        id: "penalty-range",
        check: |body| {
            range(body, "presence_penalty", -2.0, 2.0)
                .or_else(|| range(body, "frequency_penalty", -2.0, 2.0))
        },
        code: Some("decimal_above_max_value"),
        words: INVALID,
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"frequency_penalty":-3}"#,
        ..QUOTED
    },
    Rule {
        id: "n-range",
        check: |body| whole(body, "n", 1, 128),
        code: Some("integer_below_min_value"),
        words: INVALID,
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"n":0}"#,
        ..QUOTED
    },
    Rule {
        id: "seed-not-integer",
        check: |body| whole(body, "seed", i64::MIN, i64::MAX),
        code: Some("invalid_type"),
        words: INVALID,
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"seed":"lucky"}"#,
        ..QUOTED
    },
    Rule {
        id: "stop-too-many",
        check: |body| {
            let count = body["stop"].as_array()?.len();
            if count > 4 { found("stop", count) } else { None }
        },
        code: Some("array_above_max_length"),
        words: "Invalid '{at}': array too long. Expected an array with maximum length 4, but got an array with length {what} instead.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"stop":["a","b","c","d","e"]}"#,
        ..QUOTED
    },
    Rule {
        id: "stop-wrong-type",
        check: |body| {
            let stop = given(body, "stop")?;
            let bad = list(body, "", "stop").find(|(_, stop)| !stop.is_string());
            match bad {
                Some((place, value)) => found(place, kind(value)),
                None if stop.is_string() || stop.is_array() => None,
                None => found("stop", kind(stop)),
            }
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected a string, but got {what} instead.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"stop":[1]}"#,
        ..QUOTED
    },
    Rule {
        id: "top-logprobs-without-logprobs",
        check: |body| {
            given(body, "top_logprobs")?;
            if body["logprobs"] == true { None } else { at("top_logprobs") }
        },
        words: "Invalid value for '{at}': '{at}' is only allowed when 'logprobs' is true.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"top_logprobs":3}"#,
        ..REPORTED
    },
    Rule {
        id: "top-logprobs-range",
        check: |body| whole(body, "top_logprobs", 0, 20),
        code: Some("integer_above_max_value"),
        words: INVALID,
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"logprobs":true,"top_logprobs":30}"#,
        ..QUOTED
    },
    Rule {
        id: "logit-bias-malformed",
        check: |body| {
            let bias = given(body, "logit_bias")?;
            let Some(members) = bias.as_object() else {
                return found(
                    "logit_bias",
                    format!("expected an object, but got {} instead", kind(bias)),
                );
            };
            let bad = |value: &Value| value.as_f64().is_none_or(|number| number.abs() > 100.0);
            let (name, _) =
                members.iter().find(|(name, value)| bad(value) || name.parse::<u64>().is_err())?;
            found(format!("logit_bias.{name}"), "expected token ids with values from -100 to 100")
        },
        words: INVALID,
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"logit_bias":{"1":101}}"#,
        ..REPORTED
    },
    Rule {
        id: "effort-unknown",
        check: |body| {
            let known = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
            word(body, "reasoning_effort", &known)
        },
        code: Some("invalid_value"),
        words: "Invalid value: '{what}'. Supported values are: 'none', 'minimal', 'low', 'medium', 'high', 'xhigh', and 'max'.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"reasoning_effort":"ultra"}"#,
        ..QUOTED
    },
    Rule {
        id: "verbosity-unknown",
        check: |body| word(body, "verbosity", &["low", "medium", "high"]),
        code: Some("invalid_value"),
        words: "Invalid value: '{what}'. Supported values are: 'low', 'medium', and 'high'.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"verbosity":"chatty"}"#,
        ..QUOTED
    },
    Rule {
        id: "tier-unknown",
        check: |body| {
            word(
                body,
                "service_tier",
                &["auto", "default", "flex", "scale", "priority", "standard_only"],
            )
        },
        code: Some("invalid_value"),
        words: "Invalid value: '{what}'. Supported values are: 'auto', 'default', 'flex', 'scale', and 'priority'.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"service_tier":"fast"}"#,
        ..QUOTED
    },
    Rule {
        id: "thinking-malformed",
        vendor: Vendor::Others,
        check: |body| {
            let thinking = given(body, "thinking")?;
            let known = ["enabled", "disabled", "adaptive", "auto"];
            let kind = thinking["type"].as_str().unwrap_or_default();
            if known.contains(&kind) { None } else { found("thinking.type", kind) }
        },
        words: "Invalid value: '{what}'. Supported values are: 'enabled', 'disabled', 'adaptive', and 'auto'.",
        source: "the references of DeepSeek, Zhipu and MiMo (enabled, disabled) and MiniMax (adaptive)",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"thinking":{"type":"high"}}"#,
        ..REPORTED
    },
];
