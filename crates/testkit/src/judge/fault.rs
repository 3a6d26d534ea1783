//! The body of an error, in each dialect's shape, and whether its words fit its status.

use serde_json::Value;

use super::{Dialect, Findings, Rule};

pub(super) fn judge(dialect: Dialect, status: u16, body: &Value, findings: &mut Findings) {
    if !(400..600).contains(&status) {
        findings.say(Rule::Fault, format!("{status} is not the status of an error"));
    }
    match dialect {
        Dialect::Responses | Dialect::Chat => openai(status, body, findings),
        Dialect::Messages => anthropic(status, body, findings),
    }
}

/// `{"error": {message, type, param, code}}`, all four present.
fn openai(status: u16, body: &Value, findings: &mut Findings) {
    only(body, "", &["error"], findings);
    let error = &body["error"];
    words(error, findings);
    for member in ["param", "code"] {
        match error.get(member) {
            None => findings.say_in("error", Rule::Missing, format!("`{member}` is required")),
            Some(Value::Null | Value::String(_)) => {}
            Some(_) => findings.say_in("error", Rule::Shape, format!("`{member}` is not a string")),
        }
    }
    let kind = error["type"].as_str().unwrap_or_default();
    let code = error["code"].as_str().unwrap_or_default();
    for (word, fitting) in OPENAI {
        if (kind == *word || code == *word) && !fitting.contains(&status) {
            let message = format!("`{word}` with the status {status}");
            findings.say_in("error", Rule::Fault, message);
        }
    }
}

/// Words that OpenAI's clients act on, with the statuses they come with. 400 stands beside the true
/// status where Codex, which retries the others, is told of a permanent fault.
const OPENAI: &[(&str, &[u16])] = &[
    ("context_length_exceeded", &[400, 413]),
    ("invalid_prompt", &[400]),
    ("model_not_found", &[400, 403, 404]),
    ("invalid_api_key", &[400, 401, 403]),
    ("authentication_error", &[400, 401, 403]),
    ("permission_error", &[400, 403]),
    ("insufficient_quota", &[400, 402, 429]),
    ("usage_limit_reached", &[429]),
    ("usage_not_included", &[400, 403, 429]),
    ("rate_limit_exceeded", &[429]),
    ("rate_limit_error", &[429]),
    ("server_is_overloaded", &[503]),
    ("server_error", &[500, 502, 503, 504, 529]),
];

/// `{"type": "error", "error": {type, message}}`, where the type follows from the status.
fn anthropic(status: u16, body: &Value, findings: &mut Findings) {
    only(body, "", &["type", "error", "request_id"], findings);
    if body["type"] != "error" {
        findings.say_in("type", Rule::Shape, "the body of an error has the type `error`");
    }
    let error = &body["error"];
    words(error, findings);
    let kind = error["type"].as_str().unwrap_or_default();
    let fitting: &[u16] = match kind {
        "invalid_request_error" => &[400, 405, 409, 415, 422, 426],
        "authentication_error" => &[401],
        "billing_error" => &[402],
        "permission_error" => &[403],
        "not_found_error" => &[404],
        "request_too_large" => &[413],
        "rate_limit_error" => &[429],
        "api_error" => &[500, 502, 503],
        "timeout_error" => &[504],
        "overloaded_error" => &[503, 529],
        _ => {
            let message = format!("`{kind}` is not a type of error that clients know");
            return findings.say_in("error.type", Rule::Fault, message);
        }
    };
    if !fitting.contains(&status) {
        findings.say_in("error.type", Rule::Fault, format!("`{kind}` with the status {status}"));
    }
}

fn words(error: &Value, findings: &mut Findings) {
    for member in ["type", "message"] {
        match error[member].as_str() {
            None => findings.say_in("error", Rule::Missing, format!("`{member}` is required")),
            Some(text) if text.trim().is_empty() => {
                findings.say_in("error", Rule::Shape, format!("`{member}` is empty"));
            }
            Some(_) => {}
        }
    }
}

fn only(value: &Value, path: &str, known: &[&str], findings: &mut Findings) {
    let Some(members) = value.as_object() else {
        return findings.say_in(path, Rule::Json, "the body is not an object");
    };
    for member in members.keys().filter(|member| !known.contains(&member.as_str())) {
        findings.say_in(path, Rule::UnknownMember, format!("`{member}` does not belong here"));
    }
}
