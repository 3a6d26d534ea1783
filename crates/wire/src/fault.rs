//! What went wrong, named by what it means rather than by how it travelled. Whether to try again is
//! not stored here: one function of the gateway decides it from the fault and the progress made.

use std::time::Duration;

/// Something that ended an attempt, or the whole exchange.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    pub kind: Kind,
    pub blame: Blame,
    pub phase: Phase,
    /// What happened, which thing, what to do next. Never holds a secret.
    pub message: String,
    /// The request member at fault, such as `input[3].content`.
    pub param: Option<String>,
    /// How long the upstream asked to wait.
    pub retry_after: Option<Duration>,
    /// What the upstream itself said, if it spoke.
    pub upstream: Option<Box<Upstream>>,
}

/// What a fault means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request is malformed or asks for something that cannot be.
    BadRequest,
    /// The body is over the size limit.
    TooLarge,
    /// The conversation does not fit the model's context window.
    TooLong,
    /// The prompt was refused for its content.
    Refused,
    /// No such path, or no such thing.
    NotFound,
    /// No such model.
    UnknownModel,
    /// The key is missing, wrong or expired.
    Unauthorized,
    /// The key is good, but not for this.
    Forbidden,
    /// The account's plan does not include this model.
    Plan,
    /// Too many requests; passing.
    RateLimited,
    /// The allowance is used up; money or a reset date mends it.
    Quota,
    /// The upstream has no capacity right now.
    Overloaded,
    /// The upstream failed.
    Upstream,
    /// No connection: nothing was sent.
    Connect,
    /// The connection broke.
    Cut,
    /// The upstream fell silent.
    Idle,
    /// The upstream spoke something else than its dialect.
    Protocol,
    /// The client went away.
    Cancelled,
    /// A defect of quire.
    Internal,
}

impl Kind {
    /// Every kind, for tables and tests.
    pub const ALL: [Self; 19] = [
        Self::BadRequest,
        Self::TooLarge,
        Self::TooLong,
        Self::Refused,
        Self::NotFound,
        Self::UnknownModel,
        Self::Unauthorized,
        Self::Forbidden,
        Self::Plan,
        Self::RateLimited,
        Self::Quota,
        Self::Overloaded,
        Self::Upstream,
        Self::Connect,
        Self::Cut,
        Self::Idle,
        Self::Protocol,
        Self::Cancelled,
        Self::Internal,
    ];

    /// The name used in logs, metrics and provider records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BadRequest => "bad-request",
            Self::TooLarge => "too-large",
            Self::TooLong => "too-long",
            Self::Refused => "refused",
            Self::NotFound => "not-found",
            Self::UnknownModel => "unknown-model",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::Plan => "plan",
            Self::RateLimited => "rate-limited",
            Self::Quota => "quota",
            Self::Overloaded => "overloaded",
            Self::Upstream => "upstream",
            Self::Connect => "connect",
            Self::Cut => "cut",
            Self::Idle => "idle",
            Self::Protocol => "protocol",
            Self::Cancelled => "cancelled",
            Self::Internal => "internal",
        }
    }

    /// Whether the same request will fail again.
    pub const fn is_permanent(self) -> bool {
        match self {
            Self::BadRequest
            | Self::TooLarge
            | Self::TooLong
            | Self::Refused
            | Self::NotFound
            | Self::UnknownModel
            | Self::Unauthorized
            | Self::Forbidden
            | Self::Plan
            | Self::Quota => true,
            Self::RateLimited
            | Self::Overloaded
            | Self::Upstream
            | Self::Connect
            | Self::Cut
            | Self::Idle
            | Self::Protocol
            | Self::Cancelled
            | Self::Internal => false,
        }
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    Client,
    Account,
    Provider,
    Network,
    Gateway,
}

/// How far the request had gone. It only moves forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    NotSent,
    Sent,
    /// A generated event has reached the client: nothing may be retried.
    Committed,
}

/// What the upstream itself said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upstream {
    pub status: Option<u16>,
    pub kind: Option<String>,
    pub code: Option<String>,
    pub message: Option<String>,
}

impl Fault {
    /// A fault of `kind` with the usual blame and nothing else known.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        let blame = match kind {
            Kind::BadRequest
            | Kind::TooLarge
            | Kind::TooLong
            | Kind::Refused
            | Kind::NotFound
            | Kind::UnknownModel
            | Kind::Cancelled => Blame::Client,
            Kind::Unauthorized | Kind::Forbidden | Kind::Plan | Kind::RateLimited | Kind::Quota => {
                Blame::Account
            }
            Kind::Overloaded | Kind::Upstream | Kind::Protocol => Blame::Provider,
            Kind::Connect | Kind::Cut | Kind::Idle => Blame::Network,
            Kind::Internal => Blame::Gateway,
        };
        Self {
            kind,
            blame,
            phase: Phase::NotSent,
            message: message.into(),
            param: None,
            retry_after: None,
            upstream: None,
        }
    }

    /// The client asked for something that cannot be; `param` names the member.
    pub fn bad_request(param: impl Into<String>, message: impl Into<String>) -> Self {
        let param = Some(param.into()).filter(|param| !param.is_empty());
        Self { param, ..Self::new(Kind::BadRequest, message) }
    }

    /// A member has a type that it must not have.
    pub fn wrong_type(param: &str, expected: &str, found: crate::json::Kind) -> Self {
        Self::bad_request(param, format!("`{param}` must be {expected}, not {}", found.name()))
    }
}

/// Who will read the error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Codex: permanent faults must be 400, or it tries again.
    Codex,
    /// Everybody else gets the true status.
    Other,
}

/// An error answer, without its headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorAnswer {
    pub status: u16,
    pub body: String,
    /// Trying again is of no use: `x-should-retry: false`.
    pub permanent: bool,
}

/// What an upstream's error means, by its status, codes and words. It knows what the field shares;
/// a provider's own rules come before it.
pub fn meaning(said: &Upstream) -> Kind {
    let code = said.code.as_deref().unwrap_or_default();
    let kind = said.kind.as_deref().unwrap_or_default();
    let words = said.message.as_deref().unwrap_or_default().to_ascii_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    for name in [code, kind] {
        match name {
            "context_length_exceeded" | "context_window_exceeded" | "exceed_context_size_error" => {
                return Kind::TooLong;
            }
            "insufficient_quota"
            | "billing_hard_limit_reached"
            | "usage_limit_reached"
            | "insufficient_balance" => return Kind::Quota,
            "usage_not_included" => return Kind::Plan,
            "rate_limit_exceeded" | "rate_limit_error" => return Kind::RateLimited,
            "server_is_overloaded"
            | "overloaded_error"
            | "slow_down"
            | "engine_overloaded_error" => {
                return Kind::Overloaded;
            }
            "invalid_api_key" | "authentication_error" => return Kind::Unauthorized,
            "permission_error" | "permission_denied" => return Kind::Forbidden,
            "model_not_found" => return Kind::UnknownModel,
            "content_filter" | "content_policy_violation" | "invalid_prompt" => {
                return Kind::Refused;
            }
            _ => {}
        }
    }
    if says(&[
        "maximum context length",
        "context length",
        "context window",
        "prompt is too long",
        "input is too long",
        "exceeds the model's maximum",
        "too many tokens in the prompt",
        // Anthropic, llama.cpp, xAI, Gemini, Moonshot, Zhipu and vLLM.
        "exceed context limit",
        "exceeds the available context size",
        "maximum prompt length is",
        "exceeds the maximum number of tokens allowed",
        "exceeded model token limit",
        "prompt exceeds max length",
        "longer than the maximum model length",
    ]) {
        return Kind::TooLong;
    }
    match said.status {
        Some(401) => Kind::Unauthorized,
        Some(402) => Kind::Quota,
        Some(403) => Kind::Forbidden,
        Some(404) if says(&["model"]) => Kind::UnknownModel,
        Some(404) => Kind::NotFound,
        Some(408 | 504) => Kind::Idle,
        // A conflict, a lock, or too early: they pass, and SDKs try them again.
        Some(409 | 423 | 425) => Kind::Upstream,
        Some(413) => Kind::TooLarge,
        Some(429) if says(&["quota", "balance", "billing", "credit"]) => Kind::Quota,
        Some(429) => Kind::RateLimited,
        Some(503 | 529) => Kind::Overloaded,
        Some(400..=499) => Kind::BadRequest,
        Some(_) | None => {
            if says(&["rate limit", "too many requests"]) {
                Kind::RateLimited
            } else if says(&["overloaded", "at capacity", "server busy"]) {
                Kind::Overloaded
            } else if kind == "invalid_request_error" {
                Kind::BadRequest
            } else {
                Kind::Upstream
            }
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, kind: &str, message: &str) -> Kind {
        meaning(&Upstream {
            status: Some(status),
            kind: Some(kind.to_owned()),
            code: None,
            message: Some(message.to_owned()),
        })
    }

    #[test]
    fn a_full_context_window_is_known_by_the_words_of_every_server() {
        for words in [
            "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease input length or `max_tokens` and try again",
            "the request exceeds the available context size. try increasing the context size",
            "request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it",
            "This model's maximum prompt length is 131072 but the request contains 140000 tokens.",
            "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
            "Invalid request: Your request exceeded model token limit: 8192",
            "Prompt exceeds max length",
            "invalid params, context window exceeds limit (2013)",
            "The decoder prompt (length 5000) is longer than the maximum model length of 4096.",
        ] {
            assert_eq!(of(400, "invalid_request_error", words), Kind::TooLong, "{words}");
        }
        assert_eq!(of(400, "exceed_context_size_error", "no"), Kind::TooLong);
        assert_eq!(of(400, "invalid_request_error", "max_tokens is too large"), Kind::BadRequest);
    }

    #[test]
    fn a_conflict_passes() {
        for status in [409, 423, 425] {
            assert!(!of(status, "", "busy with another request").is_permanent(), "{status}");
        }
    }
}
