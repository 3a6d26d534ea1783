//! What some models cannot do. The server knows a model by its name alone; a name that it does not
//! know, as `mock-model`, can do everything.

use serde_json::Value;

use super::super::Rule;
use super::super::walk::{at, found, given, list};
use super::{MEASURED, QUOTED};

fn name(body: &Value) -> &str {
    let name = body["model"].as_str().unwrap_or_default();
    name.rsplit('/').next().unwrap_or_default()
}

/// Models that think before they answer, unless they are told not to.
fn reasons(body: &Value) -> bool {
    let name = name(body);
    let families = ["gpt-5", "gpt-6", "o1", "o3", "o4", "codex-"];
    families.iter().any(|family| name.starts_with(family)) && !name.starts_with("gpt-5-chat")
}

/// Models that never think.
fn never_reasons(body: &Value) -> bool {
    ["gpt-4", "gpt-3.5", "chatgpt-4o", "gpt-5-chat"]
        .iter()
        .any(|family| name(body).starts_with(family))
}

fn effort(body: &Value) -> Option<&str> {
    body["reasoning"]["effort"].as_str()
}

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "responses-model-without-sampling",
        check: |body| {
            if !reasons(body) || effort(body) == Some("none") {
                return None;
            }
            let names = ["temperature", "top_p", "presence_penalty", "frequency_penalty"];
            at(names.into_iter().find(|name| given(body, name).is_some())?)
        },
        words: "Unsupported parameter: '{at}' is not supported with this model.",
        example: r#"{"model":"gpt-5.6","input":"x","temperature":0.5}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-model-without-logprobs",
        check: |body| {
            if !reasons(body) {
                return None;
            }
            let mut asked = list(body, "", "include");
            let include = asked.any(|(_, value)| value == "message.output_text.logprobs");
            let some = body["top_logprobs"].as_u64().is_some_and(|count| count > 0);
            match (include, some) {
                (true, _) => at("include"),
                (false, true) => at("top_logprobs"),
                (false, false) => None,
            }
        },
        code: Some("unsupported_parameter"),
        words: "logprobs are not supported with reasoning models.",
        example: r#"{"model":"gpt-5.6","input":"x","top_logprobs":1}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-model-without-minimal-effort",
        check: |body| {
            let newer = name(body).starts_with("gpt-5.") || name(body).starts_with("gpt-6");
            if !newer || effort(body) != Some("minimal") {
                return None;
            }
            found("reasoning.effort", name(body))
        },
        code: Some("unsupported_value"),
        words: "Unsupported value: 'minimal' is not supported with the '{what}' model. Supported values are: 'none', 'low', 'medium', 'high', 'xhigh', and 'max'.",
        example: r#"{"model":"gpt-5.6","input":"x","reasoning":{"effort":"minimal"}}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-model-without-reasoning",
        check: |body| {
            if never_reasons(body) && effort(body).is_some() {
                at("reasoning.effort")
            } else {
                None
            }
        },
        code: Some("unsupported_parameter"),
        words: "Unsupported parameter: '{at}' is not supported with this model.",
        example: r#"{"model":"gpt-4.1","input":"x","reasoning":{"effort":"low"}}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-model-without-sealed-reasoning",
        check: |body| {
            let mut asked = list(body, "", "include");
            let sealed = asked.any(|(_, value)| value == "reasoning.encrypted_content");
            if never_reasons(body) && sealed { at("include") } else { None }
        },
        words: "Encrypted content is not supported with this model.",
        source: "github.com/microsoft/agent-framework/issues/7483",
        example: r#"{"model":"gpt-4.1","input":"x","include":["reasoning.encrypted_content"]}"#,
        ..QUOTED
    },
];
