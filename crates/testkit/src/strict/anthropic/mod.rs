//! The refusal table of Messages, and the shape in which its servers refuse. A signature of
//! thinking is judged by [`crate::seal`], which also makes those of the scripts.

use serde_json::{Value, json};

use super::Rule;

/// The themes.
pub(super) static RULES: &[&[Rule]] = &[];

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
