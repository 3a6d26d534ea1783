//! Errors as servers write them, whatever their dialect: in a body, or inside a stream that began
//! well.

use crate::fault::{Fault, Phase, Upstream, meaning};
use crate::json::{Kind, Tape, Value};

/// The most of an upstream's words that is kept, in bytes.
const MAX_WORDS: usize = 2000;

/// Reads the error in a body of any form: `{"error":{…}}` of OpenAI and Anthropic, a bare string, vLLM's flat
/// `{"object":"error",…}`, MiniMax's `base_resp`, any of them in an array (Gemini), or a page of HTML.
pub fn read_body(status: u16, body: &str) -> Fault {
    let mut tape = Tape::default();
    let said = match tape.read(body) {
        Ok(value) => read(value).unwrap_or_default(),
        Err(_) => Upstream::default(),
    };
    // Some servers answer with a success whose body has the true status.
    let status = said.status.filter(|_| status < 400).unwrap_or(status);
    let mut said = Upstream { status: Some(status), ..said };
    if said.message.is_none() {
        said.message = plain_words(body);
    }
    fault(said)
}

/// The error that a chunk of a stream carries, if it carries one.
pub(crate) fn in_stream(value: Value<'_, '_>) -> Option<Fault> {
    let said = read(value)?;
    Some(Fault { phase: Phase::Sent, ..fault(said) })
}

fn fault(said: Upstream) -> Fault {
    let message = said.message.clone().unwrap_or_else(|| match said.status {
        Some(status) => format!("the upstream answered {status} without saying why"),
        None => "the upstream reported an error without saying why".to_owned(),
    });
    let kind = meaning(&said);
    Fault { upstream: Some(Box::new(said)), ..Fault::new(kind, message) }
}

fn read(value: Value<'_, '_>) -> Option<Upstream> {
    let value = match value.kind() {
        Kind::Array => value.elements().next()?,
        _ => value,
    };
    if let Some(error) = value.get("error").and_then(Value::non_null) {
        return Some(match error.kind() {
            Kind::Object => members(error),
            _ => Upstream { message: words(error), ..Upstream::default() },
        });
    }
    if let Some(base) = value.get("base_resp") {
        let code = base.get("status_code")?.as_u64()?;
        return (code != 0).then(|| Upstream {
            code: Some(code.to_string()),
            message: base.get("status_msg").and_then(words),
            ..Upstream::default()
        });
    }
    let has = |names: &[&str]| names.iter().any(|name| value.get(name).is_some());
    // An answer may have these members too, as things that nobody knows yet.
    let flat = has(&["message", "detail"]) && !has(&["choices", "content", "output"]);
    flat.then(|| {
        let said = members(value);
        Upstream { message: said.message.or_else(|| value.get("detail").and_then(words)), ..said }
    })
}

fn members(error: Value<'_, '_>) -> Upstream {
    let code = error.get("code").and_then(words);
    let status = code.as_ref().and_then(|code| code.parse().ok());
    Upstream {
        status: status.filter(|status| (400..600).contains(status)),
        kind: error.get("type").and_then(words),
        code,
        message: error.get("message").and_then(words),
    }
}

/// A string or a number as text, not longer than is good.
fn words(value: Value<'_, '_>) -> Option<String> {
    let text = match value.kind() {
        Kind::Null => return None,
        Kind::String => value.as_str()?.text().into_owned(),
        _ => value.raw().to_owned(),
    };
    Some(cut(text))
}

fn cut(mut text: String) -> String {
    if text.len() > MAX_WORDS {
        let mut end = MAX_WORDS;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}

/// The words of a body that is no JSON; a page of HTML loses its tags.
fn plain_words(body: &str) -> Option<String> {
    let body = body.trim();
    if !body.starts_with('<') {
        return (!body.is_empty()).then(|| cut(body.to_owned()));
    }
    let mut text = String::new();
    let mut in_tag = false;
    for c in body.chars().take(20_000) {
        match c {
            '<' => in_tag = true,
            '>' => {
                in_tag = false;
                text.push(' ');
            }
            c if !in_tag => text.push(c),
            _ => {}
        }
    }
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(cut(format!(
        "the upstream answered with a web page: {}",
        text.chars().take(300).collect::<String>()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Kind as K;

    #[test]
    fn every_form_of_error_is_understood() {
        let cases = [
            (
                400,
                r#"{"error":{"message":"This model's maximum context length is 8192 tokens","type":"invalid_request_error","code":null}}"#,
                K::TooLong,
                "This model's maximum context length is 8192 tokens",
            ),
            (
                401,
                r#"{"error":{"message":"bad key","code":"invalid_api_key"}}"#,
                K::Unauthorized,
                "bad key",
            ),
            (
                402,
                r#"{"error":{"message":"Insufficient Balance","type":"unknown_error"}}"#,
                K::Quota,
                "Insufficient Balance",
            ),
            (
                429,
                r#"{"error":{"message":"slow","type":"rate_limit_error"}}"#,
                K::RateLimited,
                "slow",
            ),
            (
                429,
                r#"{"error":{"code":"1113","message":"insufficient balance"}}"#,
                K::Quota,
                "insufficient balance",
            ),
            (
                400,
                r#"{"object":"error","message":"bad temperature","type":"BadRequestError","code":400}"#,
                K::BadRequest,
                "bad temperature",
            ),
            (
                422,
                r#"{"detail":[{"loc":["body"],"msg":"x"}]}"#,
                K::BadRequest,
                r#"[{"loc":["body"],"msg":"x"}]"#,
            ),
            (
                200,
                r#"{"base_resp":{"status_code":1002,"status_msg":"rate limit"}}"#,
                K::RateLimited,
                "rate limit",
            ),
            (
                400,
                r#"[{"error":{"code":400,"message":"no such tool","status":"INVALID_ARGUMENT"}}]"#,
                K::BadRequest,
                "no such tool",
            ),
            (200, r#"{"error":{"code":429,"message":"busy"}}"#, K::RateLimited, "busy"),
            (200, r#"[{"error":{"code":"503","message":"x"}}]"#, K::Overloaded, "x"),
            (200, r#"{"error":{"code":400,"message":"no"}}"#, K::BadRequest, "no"),
            (200, r#"{"error":{"code":40000,"message":"odd"}}"#, K::Upstream, "odd"),
            (
                500,
                r#"{"error":{"code":400,"message":"the status counts"}}"#,
                K::Upstream,
                "the status counts",
            ),
            (503, r#"{"error":"overloaded"}"#, K::Overloaded, "overloaded"),
            (500, "", K::Upstream, "the upstream answered 500 without saying why"),
            (
                502,
                "<html><body><h1>Bad  gateway</h1></body></html>",
                K::Upstream,
                "the upstream answered with a web page: Bad gateway",
            ),
            (
                404,
                r#"{"error":{"message":"The model `x` does not exist"}}"#,
                K::UnknownModel,
                "The model `x` does not exist",
            ),
        ];
        for (status, body, kind, message) in cases {
            let fault = read_body(status, body);
            assert_eq!((fault.kind, fault.message.as_str()), (kind, message), "{body}");
        }
    }

    #[test]
    fn a_good_chunk_carries_no_error() {
        let mut tape = Tape::default();
        for text in [
            r#"{"choices":[]}"#,
            r#"{"choices":[],"error":null}"#,
            r#"{"choices":[],"base_resp":{"status_code":0}}"#,
            r#"{"choices":[],"message":"x"}"#,
            r#"{"type":"message","content":[],"message":"x"}"#,
            r#"{"object":"response","output":[],"detail":"x"}"#,
            "[]",
            "[1]",
        ] {
            assert!(in_stream(tape.read(text).unwrap()).is_none());
        }
    }

    #[test]
    fn a_number_in_a_chunk_says_what_a_status_would() {
        let mut tape = Tape::default();
        for (text, kind) in [
            (r#"{"error":{"code":429,"message":"x"}}"#, K::RateLimited),
            (r#"{"choices":[],"error":{"code":503,"message":"x"}}"#, K::Overloaded),
            (r#"{"error":{"code":400,"message":"x"}}"#, K::BadRequest),
            (r#"{"error":{"code":502,"message":"x"}}"#, K::Upstream),
            (r#"{"object":"error","message":"x","code":404}"#, K::NotFound),
        ] {
            let fault = in_stream(tape.read(text).unwrap()).expect("it is an error");
            assert_eq!(fault.kind, kind, "{text}");
        }
    }
}
