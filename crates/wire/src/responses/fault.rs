//! Faults as the Responses dialect shows them, so that clients do the right thing.
//!
//! What Codex does with each status and code was measured (Codex 0.169.0): a 400 ends a turn at
//! once with its message, most other 4xx are retried five times, a 429 is waited for only with
//! `retry-after`, and a 503 counts as capacity only with the code `server_is_overloaded`.

use crate::fault::{ErrorAnswer, Fault, Kind, Reader};
use crate::json::quote_into;

struct Shape {
    status: u16,
    kind: &'static str,
    code: &'static str,
}

const fn shape(kind: Kind) -> Shape {
    let (status, kind, code) = match kind {
        Kind::BadRequest => (400, "invalid_request_error", "invalid_request"),
        Kind::TooLarge => (413, "invalid_request_error", "request_too_large"),
        Kind::TooLong => (400, "invalid_request_error", "context_length_exceeded"),
        Kind::Refused => (400, "invalid_request_error", "invalid_prompt"),
        Kind::NotFound => (404, "invalid_request_error", "not_found"),
        Kind::UnknownModel => (404, "invalid_request_error", "model_not_found"),
        Kind::Unauthorized => (401, "authentication_error", "invalid_api_key"),
        Kind::Forbidden => (403, "permission_error", "permission_denied"),
        Kind::Plan => (403, "permission_error", "usage_not_included"),
        Kind::RateLimited => (429, "rate_limit_error", "rate_limit_exceeded"),
        Kind::Quota => (429, "insufficient_quota", "insufficient_quota"),
        Kind::Overloaded => (503, "server_error", "server_is_overloaded"),
        Kind::Upstream => (502, "server_error", "upstream_error"),
        Kind::Connect => (502, "server_error", "upstream_unreachable"),
        Kind::Cut => (502, "server_error", "upstream_cut"),
        Kind::Idle => (504, "server_error", "upstream_timeout"),
        Kind::Protocol => (502, "server_error", "upstream_protocol_error"),
        Kind::Cancelled => (499, "invalid_request_error", "cancelled"),
        Kind::Internal => (500, "server_error", "internal_error"),
    };
    Shape { status, kind, code }
}

/// The error answer for a fault that came before anything was generated.
pub fn answer(fault: &Fault, reader: Reader) -> ErrorAnswer {
    let Shape { status, .. } = shape(fault.kind);
    let permanent = fault.kind.is_permanent();
    let status = match reader {
        // A quota fault is fatal for Codex as 429 too, but then it shows its own text.
        Reader::Codex if permanent => 400,
        _ => status,
    };
    let mut body = String::from("{\"error\":");
    object(fault, &mut body);
    body.push('}');
    ErrorAnswer { status, body, permanent }
}

/// The error object: `type`, `code`, `param` and `message`, all filled, and what the upstream
/// itself called it.
fn object(fault: &Fault, out: &mut String) {
    let Shape { kind, code, .. } = shape(fault.kind);
    out.push_str("{\"message\":");
    quote_into(&fault.message, out);
    out.push_str(",\"type\":");
    quote_into(kind, out);
    out.push_str(",\"param\":");
    match &fault.param {
        Some(param) => quote_into(param, out),
        None => out.push_str("null"),
    }
    out.push_str(",\"code\":");
    quote_into(code, out);
    if let Some(upstream) = &fault.upstream {
        out.push_str(",\"upstream\":{\"status\":");
        match upstream.status {
            Some(status) => out.push_str(&status.to_string()),
            None => out.push_str("null"),
        }
        for (name, value) in [("type", &upstream.kind), ("code", &upstream.code)] {
            if let Some(value) = value {
                out.push_str(",\"");
                out.push_str(name);
                out.push_str("\":");
                quote_into(value, out);
            }
        }
        out.push('}');
    }
    out.push('}');
}

/// The code and message of `response.failed`, for a fault in the middle of an answer.
///
/// Codex ends the turn and shows the message for `invalid_prompt`, waits for what follows "try
/// again in" with `rate_limit_exceeded`, and tries others five times.
pub(super) fn in_stream(fault: &Fault) -> (&'static str, String) {
    let code = match fault.kind {
        Kind::TooLong => "context_length_exceeded",
        Kind::Quota => "insufficient_quota",
        Kind::Plan => "usage_not_included",
        Kind::RateLimited => "rate_limit_exceeded",
        Kind::Overloaded => "server_is_overloaded",
        Kind::BadRequest
        | Kind::TooLarge
        | Kind::Refused
        | Kind::NotFound
        | Kind::UnknownModel
        | Kind::Unauthorized
        | Kind::Forbidden => "invalid_prompt",
        Kind::Upstream
        | Kind::Connect
        | Kind::Cut
        | Kind::Idle
        | Kind::Protocol
        | Kind::Cancelled
        | Kind::Internal => "server_error",
    };
    let mut message = fault.message.clone();
    if let (Kind::RateLimited, Some(wait)) = (fault.kind, fault.retry_after)
        && !message.contains("try again in")
    {
        message.push_str(&format!("; try again in {}s", wait.as_secs_f64()));
    }
    (code, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permanent_faults_end_codex_at_once_and_others_see_the_true_status() {
        for kind in Kind::ALL {
            let fault = Fault::new(kind, "why");
            let (codex, other) = (answer(&fault, Reader::Codex), answer(&fault, Reader::Other));
            assert_eq!(codex.body, other.body);
            assert_eq!(codex.permanent, kind.is_permanent());
            if codex.permanent {
                assert_eq!(codex.status, 400, "{}", kind.name());
            } else {
                assert_eq!(codex.status, other.status);
            }
        }
        let capacity = answer(&Fault::new(Kind::Overloaded, "full"), Reader::Codex);
        assert_eq!(capacity.status, 503);
        assert!(capacity.body.contains(r#""code":"server_is_overloaded""#));
    }

    #[test]
    fn throttling_in_a_stream_says_when_to_come_back() {
        let wait = Some(std::time::Duration::from_millis(1500));
        let fault = Fault { retry_after: wait, ..Fault::new(Kind::RateLimited, "slow down") };
        assert_eq!(
            in_stream(&fault),
            ("rate_limit_exceeded", "slow down; try again in 1.5s".into())
        );
    }
}
