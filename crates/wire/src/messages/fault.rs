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

/// The words of a fault. Clients know by its words that a prompt is too long, and read how much:
/// Claude Code compacts the conversation, or asks for a shorter answer where that is enough.
fn message(fault: &Fault) -> Cow<'_, str> {
    const TOO_LONG: &str = "prompt is too long";
    const BOTH: &str = "input length and `max_tokens` exceed context limit";
    let words = &fault.message;
    if fault.kind != Kind::TooLong {
        return Cow::Borrowed(words);
    }
    let lower = words.to_ascii_lowercase();
    if lower.contains(TOO_LONG) || lower.contains(BOTH) {
        return Cow::Borrowed(words);
    }
    let sizes = sizes(&lower);
    Cow::Owned(match (sizes.prompt, sizes.output, sizes.limit) {
        (Some(prompt), _, Some(limit)) if prompt > limit => {
            format!("{TOO_LONG}: {prompt} tokens > {limit} maximum ({words})")
        }
        (Some(prompt), Some(output), Some(limit)) if prompt.saturating_add(output) > limit => {
            format!(
                "{BOTH}: {prompt} + {output} > {limit}, decrease input length or `max_tokens` and try again ({words})"
            )
        }
        _ => format!("{TOO_LONG}: {words}"),
    })
}

/// The numbers of tokens that an upstream names, as far as it does.
#[derive(Debug, PartialEq, Eq)]
struct Sizes {
    prompt: Option<u64>,
    output: Option<u64>,
    limit: Option<u64>,
}

/// What a number of tokens counts.
#[derive(Clone, Copy)]
enum Count {
    Prompt,
    /// Tools, where they are not counted with the rest of the prompt.
    Tools,
    Output,
    /// Prompt and output, or the prompt alone.
    Asked,
    Limit,
}

/// How upstreams say it, in lower case: what stands right before a number and right after it. The
/// first row that fits tells what the number counts.
// A table reads best with one row on one line.
#[rustfmt::skip]
const SAID: &[(Count, &str, &str)] = &[
    // OpenAI, and who copies it: DeepSeek, vLLM, OpenRouter.
    (Count::Limit, "context length is ", ""),
    (Count::Prompt, "", " in the messages"),
    (Count::Tools, "", " in the functions"),
    (Count::Output, "", " in the completion"),
    (Count::Prompt, "messages resulted in ", ""),
    (Count::Prompt, "", " in your prompt"),
    (Count::Output, "", " for the completion"),
    // vLLM.
    (Count::Limit, "context length is only ", ""),
    (Count::Limit, "maximum model length of ", ""),
    (Count::Prompt, "prompt (length ", ""),
    (Count::Prompt, "", " input tokens"),
    (Count::Output, "", " output tokens"),
    (Count::Output, "tokens' is too large: ", ""),
    (Count::Asked, "total of at least ", ""),
    // OpenRouter.
    (Count::Prompt, "", " of text input"),
    (Count::Tools, "", " of tool input"),
    (Count::Output, "", " in the output"),
    (Count::Asked, "requested about ", ""),
    // SGLang.
    (Count::Limit, "context length of ", ""),
    (Count::Limit, "context length (", ""),
    (Count::Prompt, "the input (", ""),
    (Count::Prompt, "", " tokens from the input messages"),
    (Count::Output, "", " tokens for the completion"),
    (Count::Asked, "total of ", ""),
    // llama.cpp.
    (Count::Limit, "context size (", ""),
    (Count::Prompt, "request (", ""),
    // Gemini.
    (Count::Limit, "number of tokens allowed (", ""),
    (Count::Limit, "number of tokens allowed ", ""),
    (Count::Prompt, "input token count (", ""),
    // xAI.
    (Count::Limit, "maximum prompt length is ", ""),
    (Count::Prompt, "the request contains ", ""),
    // Moonshot.
    (Count::Limit, "token limit: ", ""),
    (Count::Asked, "requested: ", ""),
    // Mistral.
    (Count::Limit, "", " maximum context length"),
    (Count::Prompt, "prompt contains ", ""),
    // Last, since rows above say more of what was requested.
    (Count::Asked, "requested ", " tokens"),
];

/// Reads the numbers of `words`, which are in lower case.
fn sizes(words: &str) -> Sizes {
    let mut found = [None; 5];
    let mut end = 0;
    while let Some(skipped) = words[end..].find(|c: char| c.is_ascii_digit()) {
        let start = end + skipped;
        let length = words[start..].find(|c: char| !(c.is_ascii_digit() || c == ','));
        end = length.map_or(words.len(), |length| start + length);
        let (before, after) = (&words[..start], &words[end..]);
        let row = SAID.iter().find(|row| before.ends_with(row.1) && after.starts_with(row.2));
        if let (Some((count, ..)), Ok(number)) =
            (row, words[start..end].replace(',', "").parse::<u64>())
        {
            found[*count as usize].get_or_insert(number);
        }
    }
    let of = |count: Count| found[count as usize];
    let prompt =
        of(Count::Prompt).map(|prompt| prompt.saturating_add(of(Count::Tools).unwrap_or_default()));
    Sizes {
        prompt: prompt.or(of(Count::Asked)),
        output: of(Count::Output).filter(|_| prompt.is_some()),
        limit: of(Count::Limit),
    }
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
                "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease input length or `max_tokens` and try again",
                "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease input length or `max_tokens` and try again",
            ),
            (
                "This model's maximum context length is 131072 tokens. However, you requested 140,000 tokens (136000 in the messages, 4000 in the completion).",
                "prompt is too long: 136000 tokens > 131072 maximum (",
            ),
            (
                "This model's maximum context length is 16385 tokens. However, you requested 36500 tokens (4500 in the messages, 32000 in the completion).",
                "input length and `max_tokens` exceed context limit: 4500 + 32000 > 16385, decrease input length or `max_tokens` and try again (",
            ),
            (
                "This model's maximum context length is 16385 tokens. However, you requested 36613 tokens (4500 in the messages, 113 in the functions, and 32000 in the completion).",
                "input length and `max_tokens` exceed context limit: 4613 + 32000 > 16385, decrease ",
            ),
            (
                "This model's maximum context length is 4097 tokens, however you requested 4200 tokens (200 in your prompt; 4000 for the completion).",
                "input length and `max_tokens` exceed context limit: 200 + 4000 > 4097, decrease ",
            ),
            (
                "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
                "prompt is too long: 9000 tokens > 8192 maximum (",
            ),
            (
                "This model's maximum context length is 131072 tokens. However, you requested 140000 tokens",
                "prompt is too long: 140000 tokens > 131072 maximum (",
            ),
            (
                "'max_tokens' or 'max_completion_tokens' is too large: 32000. This model's maximum context length is 32768 tokens and your request has 20000 input tokens (32000 > 32768 - 20000).",
                "input length and `max_tokens` exceed context limit: 20000 + 32000 > 32768, decrease ",
            ),
            (
                "This model's maximum context length is 16384 tokens. However, you requested 8192 output tokens and your prompt contains at least 8193 input tokens, for a total of at least 16385 tokens.",
                "input length and `max_tokens` exceed context limit: 8193 + 8192 > 16384, decrease ",
            ),
            (
                "You passed 98305 input tokens and requested 32768 output tokens. However, the model's context length is only 131072 tokens, resulting in a maximum input length of 98304 tokens.",
                "input length and `max_tokens` exceed context limit: 98305 + 32768 > 131072, decrease ",
            ),
            (
                "The decoder prompt (length 5000) is longer than the maximum model length of 4096.",
                "prompt is too long: 5000 tokens > 4096 maximum (",
            ),
            (
                "This endpoint's maximum context length is 131072 tokens. However, you requested about 140000 tokens (100000 of text input, 2000 of tool input, 38000 in the output).",
                "input length and `max_tokens` exceed context limit: 102000 + 38000 > 131072, decrease ",
            ),
            (
                "Requested token count exceeds the model's maximum context length of 4096 tokens. You requested a total of 5000 tokens: 1000 tokens from the input messages and 4000 tokens for the completion.",
                "input length and `max_tokens` exceed context limit: 1000 + 4000 > 4096, decrease ",
            ),
            (
                "request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it",
                "prompt is too long: 5000 tokens > 4096 maximum (",
            ),
            (
                "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
                "prompt is too long: 1200000 tokens > 1048576 maximum (",
            ),
            (
                "This model's maximum prompt length is 131072 but the request contains 140000 tokens.",
                "prompt is too long: 140000 tokens > 131072 maximum (",
            ),
            (
                "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
                "prompt is too long: 40000 tokens > 32768 maximum (",
            ),
            (
                "exceeded model token limit: 8192 (requested: 9001)",
                "prompt is too long: 9001 tokens > 8192 maximum (",
            ),
            (
                "invalid params, context window exceeds limit (2013)",
                "prompt is too long: invalid params",
            ),
            (
                "maximum context length is 9000 tokens, and request 8123 has 99999999999999999999 input tokens",
                "prompt is too long: maximum context",
            ),
            ("the conversation does not fit", "prompt is too long: the conversation does not fit"),
        ] {
            let fault = Fault::new(Kind::TooLong, words);
            assert!(message(&fault).starts_with(told), "{}", message(&fault));
        }
        assert_eq!(message(&Fault::new(Kind::BadRequest, "no")), "no");
    }
}
