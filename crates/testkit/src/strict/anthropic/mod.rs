//! The refusal table of Messages, theme by theme, and the shape in which its servers refuse. A
//! signature of thinking is judged by [`crate::seal`], which also makes those of the scripts.

mod body;
mod cache;
mod content;
mod format;
mod media;
mod models;
mod rounds;
mod sampling;
#[cfg(test)]
mod tests;
mod thinking;
mod tools;
mod turns;
mod walk;
mod world;

use serde_json::{Value, json};

use super::{Confidence, Door, Refusal, Rule, Vendor};

/// The themes. Within a vendor, rows are tried in this order: the more basic fault first.
pub(super) static RULES: &[&[Rule]] = &[
    body::RULES,
    turns::RULES,
    content::RULES,
    media::RULES,
    rounds::RULES,
    tools::RULES,
    thinking::RULES,
    sampling::RULES,
    cache::RULES,
    format::RULES,
    turns::LAST,
];

/// What rows have in common that quote Anthropic: each row says what differs.
const QUOTED: Rule = Rule {
    id: "",
    vendor: Vendor::Anthropic,
    door: Door::Both,
    check: |_| None,
    status: 400,
    code: None,
    words: "",
    source: "answers of api.anthropic.com, as quoted in public issue reports",
    confidence: Confidence::Quoted,
    example: "",
};

/// Rows whose rule is documented or reported, but whose words may differ.
const REPORTED: Rule = Rule {
    source: "Anthropic's API reference for Messages, and public issue reports",
    confidence: Confidence::Reported,
    ..QUOTED
};

/// Rows that follow from the reference or the SDK's types alone; the words are ours.
const INFERRED: Rule = Rule {
    source: "inferred from the request types of anthropic-2.11.0",
    confidence: Confidence::Inferred,
    ..QUOTED
};

/// What the server has against members of the beta half of the API in a request that asks for no
/// beta. The table cannot say it, for it sees no heads.
pub(crate) fn beta(body: &Value, betas: &str) -> Option<Refusal> {
    if !betas.trim().is_empty() {
        return None;
    }
    let at = world::stranger(body, world::Known::Stable)?;
    let message = format!("{at}: Extra inputs are not permitted");
    Some(Refusal { rule: "anthropic-beta-member", status: 400, code: None, at, message })
}

/// The type of error that goes with a status
/// (docs.claude.com/en/api/errors).
pub(crate) fn kind(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        _ => "api_error",
    }
}

/// The body of an error.
pub(crate) fn error(kind: &str, message: &str, request: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": request})
}

/// The message usual for a status that a script gives no words for.
pub(crate) fn words(status: u16) -> &'static str {
    match status {
        401 => "invalid x-api-key",
        402 => "Your credit balance is too low to access the Anthropic API.",
        403 => "Your API key does not have permission to use the specified resource.",
        404 => "model: claude-none",
        413 => "Request exceeds the maximum size",
        429 => "This request would exceed your account's rate limit. Please try again later.",
        400..=499 => "The request is not valid.",
        504 => "The request timed out.",
        529 => "Overloaded",
        _ => "Internal server error",
    }
}
