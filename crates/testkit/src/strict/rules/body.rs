//! The body as a whole: model, messages, sampling members.

use super::super::walk::{at, found, given, kind};
use super::super::{Confidence, Rule, Vendor};

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "body-not-object",
        vendor: Vendor::Every,
        check: |body| (!body.is_object()).then(|| at("")).flatten(),
        status: 400,
        code: None,
        words: "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)",
        source: "OpenAI API answers quoted in public reports",
        confidence: Confidence::Quoted,
        example: "[]",
    },
    Rule {
        id: "model-missing",
        vendor: Vendor::Every,
        check: |body| match given(body, "model") {
            None => at(""),
            Some(model) => (model.as_str() == Some("")).then(|| at("")).flatten(),
        },
        status: 400,
        code: None,
        words: "you must provide a model parameter",
        source: "OpenAI API answers quoted in public reports",
        confidence: Confidence::Quoted,
        example: r#"{"messages":[{"role":"user","content":"x"}]}"#,
    },
    Rule {
        id: "messages-missing",
        vendor: Vendor::Every,
        check: |body| given(body, "messages").is_none().then(|| at("messages")).flatten(),
        status: 400,
        code: Some("missing_required_parameter"),
        words: "Missing required parameter: '{at}'.",
        source: "OpenAI API answers quoted in public reports",
        confidence: Confidence::Quoted,
        example: r#"{"model":"m"}"#,
    },
    Rule {
        id: "messages-not-array",
        vendor: Vendor::Every,
        check: |body| {
            let messages = given(body, "messages")?;
            (!messages.is_array()).then(|| found("messages", kind(messages))).flatten()
        },
        status: 400,
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected an array of objects, but got {what} instead.",
        source: "OpenAI API answers quoted in public reports",
        confidence: Confidence::Quoted,
        example: r#"{"model":"m","messages":"x"}"#,
    },
];
