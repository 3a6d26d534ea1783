//! Faults as the Messages dialect shows them, so that clients do the right thing.
//!
//! What Claude Code does was measured (2.1.329): 400, 403 and 413 end a turn at once; 401, 429 and 5xx
//! are tried again for minutes unless `x-should-retry: false` stands beside them; and
//! `prompt is too long: N tokens > M maximum` makes it compact the conversation.

use crate::fault::{ErrorAnswer, Fault, Kind};
use crate::json::quote_into;
use std::borrow::Cow;
use std::fmt::Write as _;

/// Status and type of a fault at Anthropic (docs.claude.com/en/api/errors), and quire's code.
const fn shape(kind: Kind) -> (u16, &'static str, &'static str) {
    match kind {
        Kind::BadRequest => (400, "invalid_request_error", "invalid_request"),
        Kind::TooLarge => (413, "request_too_large", "request_too_large"),
        Kind::TooLong => (400, "invalid_request_error", "context_length_exceeded"),
        Kind::Refused => (400, "invalid_request_error", "invalid_prompt"),
        Kind::NotFound => (404, "not_found_error", "not_found"),
        Kind::UnknownModel => (404, "not_found_error", "model_not_found"),
        Kind::Unauthorized => (401, "authentication_error", "invalid_api_key"),
        Kind::Forbidden => (403, "permission_error", "permission_denied"),
        Kind::Plan => (403, "permission_error", "usage_not_included"),
        Kind::RateLimited => (429, "rate_limit_error", "rate_limit_exceeded"),
        // Not 429: every client tries that again.
        Kind::Quota => (402, "billing_error", "insufficient_quota"),
        Kind::Overloaded => (529, "overloaded_error", "server_is_overloaded"),
        Kind::Upstream => (502, "api_error", "upstream_error"),
        Kind::Connect => (502, "api_error", "upstream_unreachable"),
        Kind::Cut => (502, "api_error", "upstream_cut"),
        Kind::Idle => (504, "timeout_error", "upstream_timeout"),
        Kind::Protocol => (502, "api_error", "upstream_protocol_error"),
        Kind::Cancelled => (499, "invalid_request_error", "cancelled"),
        Kind::Internal => (500, "api_error", "internal_error"),
    }
}

/// The error answer for a fault that came before anything was generated.
pub fn answer(fault: &Fault, request_id: &str) -> ErrorAnswer {
    let (status, ..) = shape(fault.kind);
    let mut body = String::with_capacity(256);
    object(fault, request_id, &mut body);
    ErrorAnswer { status, body, permanent: fault.kind.is_permanent() }
}

/// The event that ends a stream with a fault.
pub(super) fn event(fault: &Fault, request_id: &str, out: &mut String) {
    out.push_str("event: error\ndata: ");
    object(fault, request_id, out);
    out.push_str("\n\n");
}

/// `{"type":"error",…}`: Anthropic's members, and beside them what the upstream itself called it.
pub(super) fn object(fault: &Fault, request_id: &str, out: &mut String) {
    let (_, kind, code) = shape(fault.kind);
    out.push_str("{\"type\":\"error\",\"error\":{\"type\":");
    quote_into(kind, out);
    out.push_str(",\"message\":");
    quote_into(&message(fault), out);
    out.push_str(",\"code\":");
    quote_into(code, out);
    if let Some(param) = &fault.param {
        out.push_str(",\"param\":");
        quote_into(param, out);
    }
    if let Some(upstream) = &fault.upstream {
        out.push_str(",\"upstream\":{\"status\":");
        match upstream.status {
            Some(status) => write!(out, "{status}").expect("a String takes every write"),
            None => out.push_str("null"),
        }
        for (name, value) in [("type", &upstream.kind), ("code", &upstream.code)] {
            if let Some(value) = value {
                write!(out, ",\"{name}\":").expect("a String takes every write");
                quote_into(value, out);
            }
        }
        out.push('}');
    }
    out.push('}');
    if !request_id.is_empty() {
        out.push_str(",\"request_id\":");
        quote_into(request_id, out);
    }
    out.push('}');
}

/// The words of a fault. Clients know by its words that a prompt is too long, and read how much.
fn message(fault: &Fault) -> Cow<'_, str> {
    const TOO_LONG: &str = "prompt is too long";
    let words = &fault.message;
    if fault.kind != Kind::TooLong || words.to_ascii_lowercase().contains(TOO_LONG) {
        return Cow::Borrowed(words);
    }
    Cow::Owned(match sizes(words) {
        Some((asked, limit)) => format!("{TOO_LONG}: {asked} tokens > {limit} maximum ({words})"),
        None => format!("{TOO_LONG}: {words}"),
    })
}

/// How many tokens were asked for and how many there may be, as far as the words tell: of the
/// first two different numbers of that size, the greater is too much. OpenAI, DeepSeek, vLLM,
/// Moonshot and OpenRouter all name both, in either order, before any other.
fn sizes(words: &str) -> Option<(u64, u64)> {
    let mut numbers = words
        .split(|c: char| !(c.is_ascii_digit() || c == ','))
        .filter_map(|number| number.replace(',', "").parse::<u64>().ok())
        .filter(|&number| number >= 1000);
    let first = numbers.next()?;
    let second = numbers.find(|&number| number != first)?;
    Some((first.max(second), first.min(second)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Upstream;

    #[test]
    fn permanent_faults_are_none_that_clients_try_again() {
        // Clients of this dialect try these again, unless they are told not to.
        let tried = |status: u16| matches!(status, 401 | 408 | 409 | 429) || status >= 500;
        for kind in Kind::ALL {
            let answer = answer(&Fault::new(kind, "why"), "");
            assert_eq!(answer.permanent, kind.is_permanent());
            if answer.permanent && kind != Kind::Unauthorized {
                assert!(!tried(answer.status), "{}", kind.name());
            }
            let passing = !answer.permanent && kind != Kind::Cancelled;
            assert!(!passing || tried(answer.status), "{}", kind.name());
        }
    }

    #[test]
    fn the_error_keeps_what_the_upstream_said() {
        let said = Upstream {
            status: Some(429),
            kind: Some("tokens".into()),
            code: Some("slow".into()),
            message: None,
        };
        let fault = Fault {
            param: Some("messages.0".into()),
            upstream: Some(Box::new(said)),
            ..Fault::new(Kind::RateLimited, "slow \"down\"")
        };
        assert_eq!(
            answer(&fault, "req_1").body,
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"slow \"down\"","code":"rate_limit_exceeded","param":"messages.0","upstream":{"status":429,"type":"tokens","code":"slow"}},"request_id":"req_1"}"#
        );
        assert_eq!(
            answer(&Fault::new(Kind::Cut, "cut"), "").body,
            r#"{"type":"error","error":{"type":"api_error","message":"cut","code":"upstream_cut"}}"#
        );
    }

    #[test]
    fn a_prompt_that_is_too_long_is_told_in_the_words_that_clients_read() {
        for (words, told) in [
            (
                "prompt is too long: 9000 tokens > 8000 maximum",
                "prompt is too long: 9000 tokens > 8000 maximum",
            ),
            (
                "This model's maximum context length is 131072 tokens. However, you requested 140,000 tokens (136000 in the messages, 4000 in the completion).",
                "prompt is too long: 140000 tokens > 131072 maximum (",
            ),
            (
                "exceeded model token limit: 8192 (requested: 9001)",
                "prompt is too long: 9001 tokens > 8192 maximum (",
            ),
            (
                "invalid params, context window exceeds limit (2013)",
                "prompt is too long: invalid params",
            ),
            ("the conversation does not fit", "prompt is too long: the conversation does not fit"),
        ] {
            let fault = Fault::new(Kind::TooLong, words);
            assert!(message(&fault).starts_with(told), "{}", message(&fault));
        }
        assert_eq!(message(&Fault::new(Kind::BadRequest, "no")), "no");
    }
}
