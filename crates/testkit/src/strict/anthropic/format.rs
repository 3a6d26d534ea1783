//! What is asked of the output: effort, and a schema that it must fit.

use serde_json::Value;

use super::super::walk::{at, found, given};
use super::super::{Rule, Vendor};
use super::{INFERRED, QUOTED, REPORTED, models};

/// The format and its schema.
fn schema(body: &Value) -> Option<&Value> {
    given(&body["output_config"]["format"], "schema")
}

/// Every schema inside a schema, itself first.
fn schemas(schema: &Value) -> Vec<&Value> {
    let mut all = vec![schema];
    for name in ["properties", "$defs", "definitions"] {
        let members = schema[name].as_object().into_iter().flat_map(|members| members.values());
        all.extend(members.flat_map(schemas));
    }
    for name in ["anyOf", "oneOf", "allOf"] {
        all.extend(schema[name].as_array().into_iter().flatten().flat_map(schemas));
    }
    if schema["items"].is_object() {
        all.extend(schemas(&schema["items"]));
    }
    all
}

/// Keywords of a type that structured outputs do not have
/// (platform.claude.com/docs/en/build-with-claude/structured-outputs, "JSON Schema limitations").
const UNSUPPORTED: [(&str, &[&str]); 4] = [
    ("integer", &["minimum", "maximum", "multipleOf", "exclusiveMinimum", "exclusiveMaximum"]),
    ("number", &["minimum", "maximum", "multipleOf", "exclusiveMinimum", "exclusiveMaximum"]),
    ("string", &["minLength", "maxLength"]),
    ("array", &["maxItems", "uniqueItems"]),
];

/// The type and the keywords of it that are not supported.
fn unsupported(schema: &Value) -> Option<String> {
    let (kind, keywords) = UNSUPPORTED.iter().find(|(kind, _)| schema["type"] == *kind)?;
    let found: Vec<&str> =
        keywords.iter().copied().filter(|name| schema.get(*name).is_some()).collect();
    let names = found.join(", ");
    (!found.is_empty()).then(|| format!("'{kind}' type, properties {names} are not supported"))
}

const PLACE: &str = "output_config.format.schema";

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "anthropic-output-never",
        vendor: Vendor::MessagesClassic,
        check: |body| {
            given(body, "output_config")?;
            at("output_config")
        },
        words: "{at}: Extra inputs are not permitted",
        source: "the API before effort and structured outputs left their beta",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"output_config":{"effort":"low"}}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-output-not-object",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            if given(body, "output_config")?.is_object() { None } else { at("output_config") }
        },
        words: "{at}: Input should be a valid dictionary or object to extract fields from",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"output_config":"low"}"#,
        ..INFERRED
    },
    Rule {
        id: "anthropic-effort-unknown",
        vendor: Vendor::MessagesEvery,
        check: |body| match given(&body["output_config"], "effort")?.as_str() {
            Some("low" | "medium" | "high" | "xhigh" | "max") => None,
            _ => at("output_config.effort"),
        },
        words: "{at}: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"output_config":{"effort":"minimal"}}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-effort-old-model",
        check: |body| {
            given(&body["output_config"], "effort")?;
            let model = body["model"].as_str().unwrap_or_default();
            // Opus 4.5 had effort before it had adaptive thinking.
            let knows = models::is_adaptive(model) || model.contains("opus-4-5");
            (!knows).then(Default::default)
        },
        words: "This model does not support the effort parameter.",
        source: "github.com/elizaOS/eliza/pull/16175",
        example: r#"{"model":"claude-haiku-4-5","max_tokens":9,"messages":[{"role":"user","content":"x"}],"output_config":{"effort":"low"}}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-format-unknown",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            let format = given(&body["output_config"], "format")?;
            if format["type"] == "json_schema" { None } else { at("output_config.format.type") }
        },
        words: "{at}: Input should be 'json_schema'",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"output_config":{"format":{"type":"json_object"}}}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-format-without-schema",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            given(&body["output_config"], "format")?;
            if schema(body).is_some_and(Value::is_object) { None } else { at(PLACE) }
        },
        words: "{at}: Field required",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"output_config":{"format":{"type":"json_schema"}}}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-format-open-object",
        check: |body| {
            let open = |schema: &&Value| {
                schema["type"] == "object" && schema.get("additionalProperties").is_none()
            };
            schemas(schema(body)?).iter().find(|schema| open(schema))?;
            at(PLACE)
        },
        words: "{at}: For 'object' type, 'additionalProperties' must be explicitly set to false",
        source: "github.com/veryfront/veryfront-code/pull/3921",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"output_config":{"format":{"type":"json_schema","schema":{"type":"object","properties":{}}}}}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-format-extra-properties",
        check: |body| {
            let wrong = |schema: &&Value| {
                schema["type"] == "object" && schema["additionalProperties"] != false
            };
            let all = schemas(schema(body)?);
            let wrong = all.iter().find(|schema| wrong(schema))?;
            found(PLACE, &wrong["additionalProperties"])
        },
        words: "{at}: For 'object' type, 'additionalProperties: {what}' is not supported. Please set 'additionalProperties' to false",
        source: "github.com/BerriAI/litellm/issues/35808",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"output_config":{"format":{"type":"json_schema","schema":{"type":"object","additionalProperties":true}}}}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-format-keyword",
        check: |body| found(PLACE, schemas(schema(body)?).into_iter().find_map(unsupported)?),
        words: "{at}: For {what}",
        source: "platform.claude.com/docs/en/build-with-claude/structured-outputs; the words, as quoted in public issue reports",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"output_config":{"format":{"type":"json_schema","schema":{"type":"object","additionalProperties":false,"properties":{"a":{"type":"integer","minimum":0}}}}}}"#,
        ..REPORTED
    },
];
