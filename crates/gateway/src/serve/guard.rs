//! Who may ask: by the name they call quire by, by where they come from, and by their key.

use std::net::{IpAddr, SocketAddr};

use http::uri::Authority;
use http::{HeaderMap, Request, header};
use wire::fault::{Fault, Kind};

use crate::config::Snapshot;
use crate::store::KeyRing;

/// Refuses requests that a web page made: those under a name that is not quire's (DNS rebinding),
/// and those with a foreign `Origin`.
pub(super) fn check_origin<B>(
    request: &Request<B>,
    snapshot: &Snapshot,
    address: SocketAddr,
) -> Result<(), Fault> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    // An absolute request target names the host as well, and then it counts (RFC 9112, 3.2.2).
    let host = request.uri().authority().map(Authority::as_str).or(host).unwrap_or_default();
    if !is_ours(host, &snapshot.server.allowed_hosts, address) {
        let shown: String = host.chars().take(100).collect();
        return Err(Fault {
            param: Some("host".to_owned()),
            ..Fault::new(
                Kind::Forbidden,
                format!(
                    "`{shown}` is not a name of this quire; list it under `allowed_hosts` in `[server]` if it is meant"
                ),
            )
        });
    }
    let Some(origin) = request.headers().get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default();
    let same = ["http://", "https://"].iter().any(|scheme| {
        origin.strip_prefix(scheme).is_some_and(|authority| authority.eq_ignore_ascii_case(host))
    });
    if same {
        return Ok(());
    }
    Err(Fault {
        param: Some("origin".to_owned()),
        ..Fault::new(Kind::Forbidden, "requests of web pages from elsewhere are refused")
    })
}

/// Whether `host` is a name under which quire may be called.
fn is_ours(host: &str, allowed: &[String], address: SocketAddr) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    // A `Host` names no user, and what stands before the `@` may be meant to deceive.
    if host.contains('@') {
        return false;
    }
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    if name.eq_ignore_ascii_case("localhost")
        || allowed.iter().any(|known| known.eq_ignore_ascii_case(name))
    {
        return true;
    }
    match name.parse::<IpAddr>() {
        // No page can make a browser believe that a number is its own name; but loopback is asked
        // for by loopback only.
        Ok(ip) => ip.is_loopback() || !address.ip().is_loopback(),
        Err(_) => false,
    }
}

/// Whether `host` is loopback or listed, as the admin API wants it.
pub fn is_local_name(host: &str, allowed: &[String]) -> bool {
    is_ours(host, allowed, SocketAddr::from(([127, 0, 0, 1], 0)))
}

/// The name of the client key of a request. On loopback without any key in the store everybody is
/// admitted and what they show is ignored. Elsewhere the last key may be revoked while quire runs,
/// and then nobody is.
pub(super) fn check_key(
    headers: &HeaderMap,
    keys: &KeyRing,
    address: SocketAddr,
) -> Result<Option<String>, Fault> {
    if keys.is_empty() && address.ip().to_canonical().is_loopback() {
        return Ok(None);
    }
    match shown_keys(headers).find_map(|shown| keys.verify(shown)) {
        Some(caller) => Ok(Some(caller.key_name.clone())),
        None => Err(Fault::new(
            Kind::Forbidden,
            "this quire wants a client key as `Authorization: Bearer` or `x-api-key`, and got none that it knows; `quire key add NAME` makes one",
        )),
    }
}

/// The keys in a request's head. Some clients show their own beside ours.
pub fn shown_keys(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = bearer.and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    let plain = headers.get("x-api-key").and_then(|value| value.to_str().ok()).map(str::trim);
    bearer.into_iter().chain(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_are_ours() {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 8484));
        let wide = SocketAddr::from(([0, 0, 0, 0], 8484));
        let allowed = ["box.lan".to_owned()];
        for host in [
            "localhost",
            "LOCALHOST:8484",
            "127.0.0.1:8484",
            "127.9.9.9",
            "[::1]:8484",
            "box.lan:1",
        ] {
            assert!(is_ours(host, &allowed, loopback), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.nip.io",
            "192.168.0.9",
            "a b",
            "user@localhost:x",
        ] {
            assert!(!is_ours(host, &allowed, loopback), "{host}");
        }
        assert!(is_ours("192.168.0.9:8484", &allowed, wide));
        assert!(!is_ours("evil.example", &allowed, wide));
    }

    #[test]
    fn keys_are_found_in_both_headers() {
        let key = |name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            shown_keys(&headers).next().map(str::to_owned)
        };
        assert_eq!(key("authorization", "Bearer abc"), Some("abc".to_owned()));
        assert_eq!(key("authorization", "bearer  abc "), Some("abc".to_owned()));
        assert_eq!(key("authorization", "Basic abc"), None);
        assert_eq!(key("x-api-key", "abc"), Some("abc".to_owned()));
    }
}
