//! An error as a script words it, and the body in which each dialect puts it. Which status goes
//! with it is the answer's business.

use serde_json::{Value, json};

use crate::Dialect;
use crate::strict::anthropic;

/// The type, code and message of an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    kind: String,
    code: String,
    message: String,
}

impl Words {
    pub(crate) fn new(kind: &str, code: &str, message: &str) -> Self {
        Self { kind: kind.into(), code: code.into(), message: message.into() }
    }

    /// The words usual for a status.
    pub(crate) fn usual(dialect: Dialect, status: u16) -> Self {
        match dialect {
            Dialect::Chat | Dialect::Responses => {
                let (kind, code, message) = openai(status);
                Self::new(kind, code, message)
            }
            Dialect::Messages => Self::new(anthropic::kind(status), "", anthropic::words(status)),
        }
    }

    /// The body of an answer or of an event; Messages has no place for the code.
    pub(crate) fn body(&self, dialect: Dialect, number: usize) -> Value {
        let Self { kind, code, message } = self;
        match dialect {
            Dialect::Chat | Dialect::Responses => json!({"error":
                {"message": message, "type": kind, "param": null, "code": code}}),
            Dialect::Messages => anthropic::error(kind, message, &format!("req_{number}")),
        }
    }
}

fn openai(status: u16) -> (&'static str, &'static str, &'static str) {
    match status {
        401 => ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
        402 => ("insufficient_quota", "insufficient_balance", "Insufficient Balance"),
        404 => ("invalid_request_error", "model_not_found", "The model does not exist."),
        413 => ("invalid_request_error", "request_too_large", "The request is too large."),
        429 => ("requests", "rate_limit_exceeded", "Rate limit reached for requests."),
        503 => ("server_error", "server_is_overloaded", "The engine is currently overloaded."),
        400..=499 => ("invalid_request_error", "invalid_value", "The request is not valid."),
        _ => (
            "server_error",
            "server_error",
            "The server had an error while processing your request.",
        ),
    }
}
