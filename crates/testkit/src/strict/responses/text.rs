//! The wished form of the answer.

use super::super::rules::{not_strict, schemas};
use super::super::walk::{at, found, given, is_name, kind};
use super::super::{Finding, Rule};
use super::walk::input_text;
use super::{MEASURED, QUOTED};
use serde_json::Value;

fn format(body: &Value) -> Option<&Value> {
    given(given(body, "text")?, "format")
}

/// The schema that was asked for, with the name that the words call it.
fn schema_fault(body: &Value, fault: impl Fn(&Value, &Value) -> Option<String>) -> Option<Finding> {
    let format = format(body).filter(|format| format["type"] == "json_schema")?;
    let fault = fault(format, &format["schema"])?;
    let name = format["name"].as_str().unwrap_or_default();
    found("text.format.schema", format!("'{name}': {fault}"))
}

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "responses-text-format-not-object",
        check: |body| {
            let format = format(body)?;
            if format.is_object() { None } else { found("text.format", kind(format)) }
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected a text format, but got {what} instead.",
        example: r#"{"model":"m","input":"x","text":{"format":"json"}}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-text-format-type-missing",
        check: |body| {
            if given(format(body)?, "type").is_some() { None } else { at("text.format.type") }
        },
        code: Some("missing_required_parameter"),
        words: "Missing required parameter: '{at}'.",
        example: r#"{"model":"m","input":"x","text":{"format":{"name":"n"}}}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-text-format-unknown",
        check: |body| {
            let kind = format(body)?["type"].as_str().unwrap_or_default();
            if ["text", "json_object", "json_schema"].contains(&kind) {
                return None;
            }
            found("text.format.type", kind)
        },
        code: Some("invalid_value"),
        words: "Invalid value: '{what}'. Supported values are: 'json_object', 'text', and 'json_schema'.",
        example: r#"{"model":"m","input":"x","text":{"format":{"type":"grammar"}}}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-text-format-member-missing",
        check: |body| {
            let format = format(body).filter(|format| format["type"] == "json_schema")?;
            let missing = |name: &&str| given(format, name).is_none();
            at(format!("text.format.{}", ["name", "schema"].into_iter().find(missing)?))
        },
        code: Some("missing_required_parameter"),
        words: "Missing required parameter: '{at}'.",
        example: r#"{"model":"m","input":"x","text":{"format":{"type":"json_schema","schema":{"type":"object"}}}}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-text-format-name-pattern",
        check: |body| {
            let name = format(body)?["name"].as_str()?;
            if is_name(name) { None } else { at("text.format.name") }
        },
        code: Some("invalid_value"),
        words: "Invalid '{at}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
        example: r#"{"model":"m","input":"x","text":{"format":{"type":"json_schema","name":"my out","schema":{"type":"object","properties":{}}}}}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-text-format-name-too-long",
        check: |body| {
            let name = format(body)?["name"].as_str()?;
            if name.len() > 64 { found("text.format.name", name.len()) } else { None }
        },
        code: Some("string_above_max_length"),
        words: "Invalid '{at}': string too long. Expected a string with maximum length 64, but got a string with length {what} instead.",
        example: r#"{"model":"m","input":"x","text":{"format":{"type":"json_schema","name":"n0123456789012345678901234567890123456789012345678901234567890123456789","schema":{"type":"object","properties":{}}}}}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-text-schema-root",
        check: |body| {
            schema_fault(body, |_, schema| {
                let root = schema["type"].as_str().unwrap_or("None");
                (root != "object").then(|| {
                    format!("schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{root}\"'.")
                })
            })
        },
        code: Some("invalid_json_schema"),
        words: "Invalid schema for response_format {what}",
        example: r#"{"model":"m","input":"x","text":{"format":{"type":"json_schema","name":"n","schema":{"type":"array","items":{}}}}}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-text-schema-not-strict",
        check: |body| {
            schema_fault(
                body,
                |format, schema| {
                    if format["strict"] == true { not_strict(schema) } else { None }
                },
            )
        },
        code: Some("invalid_json_schema"),
        words: "Invalid schema for response_format {what}",
        example: r#"{"model":"m","input":"x","text":{"format":{"type":"json_schema","name":"n","strict":true,"schema":{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}}}}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-text-schema-array-without-items",
        check: |body| {
            schema_fault(body, |_, schema| {
                let (context, _) = schemas("", schema).into_iter().find(|(_, schema)| {
                    schema["type"] == "array" && schema.get("items").is_none()
                })?;
                Some(format!("In context=({context}), array schema missing items."))
            })
        },
        code: Some("invalid_json_schema"),
        words: "Invalid schema for response_format {what}",
        example: r#"{"model":"m","input":"x","text":{"format":{"type":"json_schema","name":"n","strict":false,"schema":{"type":"object","properties":{"a":{"type":"array"}}}}}}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-text-object-without-the-word",
        check: |body| {
            let json = input_text(body).to_lowercase().contains("json");
            if format(body)?["type"] != "json_object" || json { None } else { at("input") }
        },
        words: "Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'.",
        example: r#"{"model":"m","input":"x","instructions":"answer in JSON","text":{"format":{"type":"json_object"}}}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-text-verbosity-unknown",
        check: |body| {
            let verbosity = given(given(body, "text")?, "verbosity")?.as_str().unwrap_or_default();
            if ["low", "medium", "high"].contains(&verbosity) {
                return None;
            }
            found("text.verbosity", verbosity)
        },
        code: Some("invalid_value"),
        words: "Invalid value: '{what}'. Supported values are: 'low', 'medium', and 'high'.",
        example: r#"{"model":"m","input":"x","text":{"verbosity":"max"}}"#,
        ..MEASURED
    },
];
