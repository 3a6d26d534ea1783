//! Signs the head of a request to a provider: what its dialect and its record put there, and its
//! key. The only place where a key is revealed. It knows no body and sends nothing.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use wire::dialect::Dialect;
use wire::fault::{Fault, Kind};

use crate::catalog::Scheme;
use crate::config::Provider;

/// The version of Messages that quire's own requests speak (Anthropic's API reference,
/// "Versioning").
const ANTHROPIC_VERSION: &str = "2023-06-01";
const VERSION: &str = "anthropic-version";

/// Adds to `headers` what `provider` wants to see in `dialect`. A version that is there stays.
///
/// # Errors
/// The provider needs a key and has none, or one of its headers cannot be sent.
pub fn sign(headers: &mut HeaderMap, provider: &Provider, dialect: Dialect) -> Result<(), Fault> {
    let broken = |what: &str| {
        Fault::new(Kind::Internal, format!("provider `{}`: its {what} cannot be sent", provider.id))
    };
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
            true => Ok(()),
            false => Err(missing_key(provider)),
        };
    };
    let (name, value) = match &auth.scheme {
        Scheme::Usual if dialect == Dialect::Messages => {
            (HeaderName::from_static("x-api-key"), sensitive(key.expose()))
        }
        Scheme::Usual | Scheme::Bearer => {
            (header::AUTHORIZATION, sensitive(&format!("Bearer {}", key.expose())))
        }
        Scheme::Header(name) => {
            let name = HeaderName::try_from(name).map_err(|_| broken("header name"))?;
            (name, sensitive(key.expose()))
        }
        Scheme::None => return Ok(()),
    };
    headers.insert(name, value.ok_or_else(|| broken("key"))?);
    Ok(())
}

fn sensitive(value: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn missing_key(provider: &Provider) -> Fault {
    let variable = provider.record.env.first().map_or("API_KEY", String::as_str);
    Fault::new(
        Kind::Unauthorized,
        format!(
            "provider `{0}` has no key: set `api_key = \"${{{variable}}}\"` in `[providers.{0}]` and that variable",
            provider.id
        ),
    )
}
