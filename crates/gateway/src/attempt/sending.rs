//! Heads of requests to providers.

use http::{HeaderMap, Request, header};
use wire::dialect::Dialect;
use wire::fault::{Fault, Kind};

use crate::authorization::sign;
use crate::route::Candidate;

/// Headers that change what a body in a dialect means. Where a body is passed on, they go with it.
pub(super) const fn meant_for_upstream(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::Messages => &["anthropic-version", "anthropic-beta"],
        Dialect::Chat | Dialect::Responses => &["openai-beta"],
    }
}

/// The head of a request in `dialect` to `url`, with these headers of the caller's.
pub(super) fn head(
    candidate: &Candidate,
    dialect: Dialect,
    url: &str,
    passed: &HeaderMap,
) -> Result<Request<()>, Fault> {
    let provider = &candidate.provider;
    let mut head = Request::post(url)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "text/event-stream, application/json")
        .header(header::USER_AGENT, crate::USER_AGENT)
        .body(())
        .map_err(|_| {
            let text = format!("provider `{}`: its URL cannot be sent", provider.id);
            Fault::new(Kind::Internal, text)
        })?;
    let headers = head.headers_mut();
    headers.extend(passed.iter().map(|(name, value)| (name.clone(), value.clone())));
    sign(headers, provider, dialect)?;
    Ok(head)
}
