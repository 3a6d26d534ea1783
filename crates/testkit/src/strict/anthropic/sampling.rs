//! Sampling and stop sequences: types, ranges, and what excludes what.

use serde_json::Value;

use super::super::walk::{at, given};
use super::super::{Finding, Rule, Vendor};
use super::{INFERRED, QUOTED, REPORTED, models};

/// Whether a number that is given lies outside of these bounds.
fn is_outside(body: &Value, name: &str, low: f64, high: f64) -> Option<Finding> {
    let number = given(body, name)?.as_f64()?;
    if (low..=high).contains(&number) { None } else { at(name) }
}

/// The first stop sequence that is wrong.
fn stops(body: &Value, wrong: fn(&str) -> bool) -> Option<Finding> {
    let mut texts = body["stop_sequences"].as_array()?.iter().filter_map(Value::as_str);
    if texts.any(wrong) { at("stop_sequences") } else { None }
}

fn model(body: &Value) -> &str {
    body["model"].as_str().unwrap_or_default()
}

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "anthropic-sampling-not-number",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            let wrong = |name: &&str| given(body, name).is_some_and(|value| !value.is_number());
            at(["temperature", "top_p", "top_k"].into_iter().find(wrong)?)
        },
        words: "{at}: Input should be a valid number",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"temperature":"low"}"#,
        ..INFERRED
    },
    Rule {
        id: "anthropic-temperature-range",
        check: |body| is_outside(body, "temperature", 0.0, 1.0),
        words: "{at}: range: 0..1",
        source: "quoted with live answers in public repositories that clamp it",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"temperature":1.5}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-temperature-deprecated",
        check: |body| {
            let gone = ["opus-4-7", "opus-4-8"].iter().any(|name| model(body).contains(name));
            let given = given(body, "temperature")?.as_f64() != Some(1.0);
            (gone && given).then(Finding::default)
        },
        words: "`temperature` is deprecated for this model.",
        source: "the words, as quoted in public repositories; for which models is reported",
        example: r#"{"model":"claude-opus-4-7","max_tokens":9,"messages":[{"role":"user","content":"x"}],"temperature":0.5}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-top-p-range",
        check: |body| is_outside(body, "top_p", 0.0, 1.0),
        words: "{at}: range: 0..1",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"top_p":1.5}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-top-k-not-integer",
        check: |body| {
            let top_k = given(body, "top_k")?;
            if top_k.is_f64() { at("top_k") } else { None }
        },
        words: "{at}: Input should be a valid integer",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"top_k":1.5}"#,
        ..INFERRED
    },
    Rule {
        id: "anthropic-top-k-range",
        check: |body| is_outside(body, "top_k", 0.0, f64::MAX),
        words: "{at}: Input should be greater than or equal to 0",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"top_k":-1}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-temperature-with-top-p",
        check: |body| {
            given(body, "temperature")?;
            given(body, "top_p")?;
            (!models::takes_both_samplings(model(body))).then(Finding::default)
        },
        words: "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
        source: "github.com/cloud-apim/otoroshi-llm-extension/issues/140",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"temperature":1,"top_p":1}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-stops-not-list",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            let stops = given(body, "stop_sequences")?;
            let fits = stops.as_array().is_some_and(|list| list.iter().all(Value::is_string));
            if fits { None } else { at("stop_sequences") }
        },
        words: "{at}: Input should be a valid list of strings",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"stop_sequences":"y"}"#,
        ..INFERRED
    },
    Rule {
        id: "anthropic-stop-empty",
        check: |body| stops(body, str::is_empty),
        words: "{at}: each stop sequence must be non-empty",
        source: "github.com/MegaGrindStone/mcp-web-ui/issues/5",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"stop_sequences":[""]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-stop-blank",
        check: |body| stops(body, |text| text.trim().is_empty()),
        words: "{at}: each stop sequence must contain non-whitespace",
        source: "github.com/BerriAI/litellm/issues/3286",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"stop_sequences":["\n"]}"#,
        ..QUOTED
    },
];
