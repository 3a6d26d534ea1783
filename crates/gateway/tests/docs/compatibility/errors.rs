//! The errors of all dialects.

use super::super::table;
use serde_json::Value;
use wire::dialect::Dialect;
use wire::fault::{Fault, Kind, Reader};

const HEAD: &str = "\
## Errors

Every error has `type`, `code`, `param` and `message`; the message keeps the upstream's own words, and
`retry-after` what it asked for. Clients of Chat Completions and Responses read OpenAI's shape, those of
Messages Anthropic's. Codex tries most statuses again and again, so what will never succeed reaches Codex as
400; everybody else gets its true status, with `x-should-retry: false`.

After the answer began, the same fault ends the stream: as `response.failed` (Responses), as
`event: error` (Messages), as one `data: {\"error\": …}` without `[DONE]` (Chat Completions).

";

pub(super) fn errors() -> String {
    let rows = Kind::ALL.map(|kind| {
        let fault = Fault::new(kind, "");
        let shown = |dialect: Dialect, reader| {
            let answer = dialect.error(&fault, reader, "");
            let body: Value = serde_json::from_str(&answer.body).expect("quire writes JSON");
            (answer, body)
        };
        let (openai, said) = shown(Dialect::Responses, Reader::Other);
        let (codex, _) = shown(Dialect::Responses, Reader::Codex);
        let (anthropic, words) = shown(Dialect::Messages, Reader::Other);
        let (chat, same) = shown(Dialect::Chat, Reader::Other);
        assert_eq!((chat.status, same), (openai.status, said.clone()), "both are OpenAI's");
        assert_eq!(anthropic.permanent, openai.permanent, "the dialects agree on what passes");
        assert_eq!(words["error"]["code"], said["error"]["code"], "a fault has one code");
        let word = |body: &Value, name: &str| {
            format!("`{}`", body["error"][name].as_str().unwrap_or_default())
        };
        vec![
            meaning(kind).to_owned(),
            word(&said, "code"),
            openai.status.to_string(),
            codex.status.to_string(),
            word(&said, "type"),
            anthropic.status.to_string(),
            word(&words, "type"),
            if openai.permanent { "no" } else { "yes" }.to_owned(),
        ]
    });
    let head = [
        "What happened",
        "`code`",
        "Chat, Responses",
        "for Codex",
        "`type`",
        "Messages",
        "`type`",
        "Worth another try",
    ];
    format!("{HEAD}{}", table(&head, rows))
}

const fn meaning(kind: Kind) -> &'static str {
    match kind {
        Kind::BadRequest => "the request is malformed, or asks for what cannot be",
        Kind::TooLarge => "the body is over the size limit",
        Kind::TooLong => "the conversation does not fit the model's context window",
        Kind::Refused => "the prompt was refused for its content",
        Kind::UnknownModel => "no such model; the message names the nearest",
        Kind::NotFound => "no such address",
        Kind::Unauthorized => "the key is missing, wrong or expired",
        Kind::Forbidden => "the key is good, but not for this",
        Kind::Plan => "the account's plan does not include this model",
        Kind::RateLimited => "too many requests",
        Kind::Quota => "the allowance is used up",
        Kind::Overloaded => "the upstream has no capacity right now",
        Kind::Upstream => "the upstream failed",
        Kind::Connect => "the upstream cannot be reached",
        Kind::Cut => "the connection to the upstream broke",
        Kind::Idle => "the upstream fell silent",
        Kind::Protocol => "the upstream spoke something else than its dialect",
        Kind::Cancelled => "the client went away",
        Kind::Internal => "a defect of quire",
    }
}
