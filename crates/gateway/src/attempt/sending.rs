//! Request heads for providers, signed. The only place where a key is revealed.

use http::{HeaderMap, HeaderName, HeaderValue, Request, header};
use wire::dialect::Dialect;
use wire::fault::{Fault, Kind};

use crate::catalog::Scheme;
use crate::route::Candidate;

/// The version of Messages that quire's own requests speak (Anthropic's API reference,
/// "Versioning").
const ANTHROPIC_VERSION: &str = "2023-06-01";
const VERSION: &str = "anthropic-version";

/// Headers that change what a body in a dialect means. Where a body is passed on, they go with it.
pub(super) const fn meant_for_upstream(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::Messages => &[VERSION, "anthropic-beta"],
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
    let broken = |what: &str| {
        Fault::new(Kind::Internal, format!("provider `{}`: its {what} cannot be sent", provider.id))
    };
    let mut head = Request::post(url)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "text/event-stream, application/json")
        .header(header::USER_AGENT, crate::USER_AGENT)
        .body(())
        .map_err(|_| broken("URL"))?;
    let headers = head.headers_mut();
    headers.extend(passed.iter().map(|(name, value)| (name.clone(), value.clone())));
    if dialect == Dialect::Messages && !headers.contains_key(VERSION) {
        headers.insert(VERSION, HeaderValue::from_static(ANTHROPIC_VERSION));
    }
    for (name, value) in &provider.record.headers {
        let name = HeaderName::try_from(name).map_err(|_| broken("header name"))?;
        headers.insert(name, sensitive(value.expose()).ok_or_else(|| broken("header"))?);
    }
    let auth = &provider.record.auth;
    let Some(key) = &provider.key else {
        return match auth.optional || auth.scheme == Scheme::None {
            true => Ok(head),
            false => Err(missing_key(candidate)),
        };
    };
    let bearer = || sensitive(&format!("Bearer {}", key.expose())).ok_or_else(|| broken("key"));
    let plain = || sensitive(key.expose()).ok_or_else(|| broken("key"));
    match &auth.scheme {
        Scheme::Usual if dialect == Dialect::Messages => {
            headers.insert("x-api-key", plain()?);
        }
        Scheme::Usual | Scheme::Bearer => {
            headers.insert(header::AUTHORIZATION, bearer()?);
        }
        Scheme::Header(name) => {
            let name = HeaderName::try_from(name).map_err(|_| broken("header name"))?;
            headers.insert(name, plain()?);
        }
        Scheme::None => {}
    }
    Ok(head)
}

fn sensitive(value: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn missing_key(candidate: &Candidate) -> Fault {
    let provider = &candidate.provider;
    let variable = provider.record.env.first().map_or("API_KEY", String::as_str);
    Fault::new(
        Kind::Unauthorized,
        format!(
            "provider `{0}` has no key: set `api_key = \"${{{variable}}}\"` in `[providers.{0}]` and that variable",
            provider.id
        ),
    )
}
