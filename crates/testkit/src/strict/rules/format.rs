//! The wished form of the answer.

use super::super::walk::{all_text, at, found, given, is_name, kind, stranger};
use super::super::{Rule, Vendor};
use super::tools::not_strict;
use super::{QUOTED, REPORTED};

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "format-not-object",
        check: |body| {
            let format = given(body, "response_format")?;
            if format.is_object() { None } else { found("response_format", kind(format)) }
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected an object, but got {what} instead.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"response_format":"json"}"#,
        ..QUOTED
    },
    Rule {
        id: "format-unknown",
        check: |body| {
            let kind = given(body, "response_format")?["type"].as_str().unwrap_or_default();
            let known = ["text", "json_object", "json_schema"];
            if known.contains(&kind) { None } else { found("response_format.type", kind) }
        },
        code: Some("invalid_value"),
        words: "Invalid value: '{what}'. Supported values are: 'json_object', 'json_schema', and 'text'.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"response_format":{"type":"grammar"}}"#,
        ..QUOTED
    },
    Rule {
        id: "format-schema-missing",
        check: |body| {
            let format = given(body, "response_format")?;
            if format["type"] != "json_schema" {
                return None;
            }
            // Here the shape of the Responses API shows: name and schema stand outside.
            if !format["json_schema"].is_object() {
                return at("response_format.json_schema");
            }
            ["name", "schema"]
                .into_iter()
                .find(|name| given(&format["json_schema"], name).is_none())
                .and_then(|name| at(format!("response_format.json_schema.{name}")))
        },
        code: Some("missing_required_parameter"),
        words: "Missing required parameter: '{at}'.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","name":"n","schema":{"type":"object"}}}"#,
        ..QUOTED
    },
    Rule {
        id: "format-unknown-member",
        check: |body| {
            let format = given(body, "response_format")?;
            match stranger(format, &["type", "json_schema"]) {
                Some(name) => at(format!("response_format.{name}")),
                None => {
                    let known = ["name", "description", "schema", "strict"];
                    let name = stranger(&format["json_schema"], &known)?;
                    at(format!("response_format.json_schema.{name}"))
                }
            }
        },
        code: Some("unknown_parameter"),
        words: "Unknown parameter: '{at}'.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"json"}],"response_format":{"type":"json_object","strict":true}}"#,
        ..REPORTED
    },
    Rule {
        id: "format-name-malformed",
        check: |body| {
            let name = body["response_format"]["json_schema"]["name"].as_str()?;
            if is_name(name) && name.len() <= 64 {
                None
            } else {
                at("response_format.json_schema.name")
            }
        },
        code: Some("invalid_value"),
        words: "Invalid '{at}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","json_schema":{"name":"a b","schema":{"type":"object"}}}}"#,
        ..QUOTED
    },
    Rule {
        id: "format-schema-not-object",
        check: |body| {
            let schema = given(&body["response_format"]["json_schema"], "schema")?;
            if schema.is_object() {
                None
            } else {
                found("response_format.json_schema.schema", kind(schema))
            }
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected an object, but got {what} instead.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":[]}}}"#,
        ..QUOTED
    },
    Rule {
        id: "format-not-strict",
        check: |body| {
            let format = &body["response_format"]["json_schema"];
            if format["strict"] != true {
                return None;
            }
            let name = format["name"].as_str().unwrap_or_default();
            found("response_format", format!("'{name}': {}", not_strict(&format["schema"])?))
        },
        words: "Invalid schema for response_format {what}",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{"type":"object","properties":{}}}}}"#,
        ..QUOTED
    },
    Rule {
        id: "format-without-the-word-json",
        check: |body| {
            let asked = body["response_format"]["type"] == "json_object";
            if asked && !all_text(body).to_lowercase().contains("json") {
                at("messages")
            } else {
                None
            }
        },
        words: "'{at}' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
        source: "OpenAI's answers; DeepSeek says 'Prompt must contain the word 'json' in some form'",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_object"}}"#,
        ..QUOTED
    },
    Rule {
        id: "deepseek-format-schema",
        vendor: Vendor::DeepSeek,
        check: |body| {
            if body["response_format"]["type"] == "json_schema" {
                at("response_format")
            } else {
                None
            }
        },
        code: Some("invalid_request_error"),
        words: "This response_format type is unavailable now",
        source: "DeepSeek's answers, as quoted in public issue reports; its reference lists text and json_object",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"}}}}"#,
        ..QUOTED
    },
];
