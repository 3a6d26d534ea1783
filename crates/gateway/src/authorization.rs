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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Snapshot;

    /// The headers for a provider with these lines in its section.
    fn signed(lines: &str, dialect: Dialect) -> Result<Vec<String>, Fault> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("config.toml");
        let text = format!("[providers.p]\nbase_url = \"http://127.0.0.1:9\"\n{lines}\n");
        std::fs::write(&file, text).expect("the folder is writable");
        let home = folder.path().display().to_string();
        let env = |name: &str| (name == "QUIRE_HOME").then(|| home.clone());
        let (snapshot, _) = Snapshot::load(Some(&file), &env).expect("a configuration");
        let mut headers = HeaderMap::new();
        sign(&mut headers, snapshot.provider("p").expect("it is there"), dialect)?;
        assert!(headers.iter().all(|(name, value)| value.is_sensitive() || name == VERSION));
        let shown = headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().expect("a text")));
        Ok(shown.collect())
    }

    #[test]
    fn a_key_travels_as_the_record_or_the_dialect_has_it() {
        use Dialect::{Chat, Messages, Responses};
        let version = "anthropic-version: 2023-06-01";
        let table: [(&str, Dialect, &[&str]); 7] = [
            ("api_key = \"k\"", Chat, &["authorization: Bearer k"]),
            ("api_key = \"k\"", Responses, &["authorization: Bearer k"]),
            ("api_key = \"k\"", Messages, &[version, "x-api-key: k"]),
            ("api_key = \"k\"\nauth = \"bearer\"", Messages, &[version, "authorization: Bearer k"]),
            ("api_key = \"k\"\nauth = { header = \"api-key\" }", Chat, &["api-key: k"]),
            ("auth = \"none\"", Chat, &[]),
            (
                "headers = { X-Team = \"t\", anthropic-version = \"2026-10-21\" }",
                Messages,
                &["anthropic-version: 2026-10-21", "x-team: t"],
            ),
        ];
        for (lines, dialect, expected) in table {
            let mut headers = signed(lines, dialect).expect("it can be signed");
            headers.sort();
            assert_eq!(headers, expected, "{lines}");
        }
    }

    #[test]
    fn a_version_that_the_caller_chose_stays() {
        let mut headers = HeaderMap::new();
        headers.insert(VERSION, HeaderValue::from_static("2026-10-21"));
        let snapshot =
            Snapshot::load(None, &|name| (name == "QUIRE_HOME").then(|| "/nowhere".to_owned()));
        let (snapshot, _) = snapshot.expect("the defaults");
        let provider = snapshot.provider("quire").expect("it is built in");
        sign(&mut headers, provider, Dialect::Messages).expect("it needs no key");
        assert_eq!(headers[VERSION], "2026-10-21");
    }
}
