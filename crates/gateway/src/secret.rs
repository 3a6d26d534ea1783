//! Strings that must never be seen: keys, tokens, and URLs that carry them. A [`Secret`] cannot be
//! printed, serialized or compared byte by byte in variable time; [`Secret::expose`] is the one
//! door, easy to search for. Encryption at rest is not done here.

use std::fmt;

use subtle::ConstantTimeEq;
use url::Url;
use zeroize::Zeroizing;

/// What stands wherever a secret would.
const HIDDEN: &str = "<secret>";

/// A string that is wiped when dropped and prints as `<secret>`.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The secret itself. Only what signs a request or seals a blob may call this.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `other` is the same text, in a time that tells only its length.
    pub fn matches(&self, other: &str) -> bool {
        self.0.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.matches(other.expose())
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

/// A URL that hides its password and secret-looking query values when printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SafeUrl(Url);

impl SafeUrl {
    pub const fn new(url: Url) -> Self {
        Self(url)
    }

    /// The URL with everything in it. Only what opens a connection may call this.
    pub const fn expose(&self) -> &Url {
        &self.0
    }
}

impl fmt::Debug for SafeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&mask(&self.0))
    }
}

impl fmt::Display for SafeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&mask(&self.0))
    }
}

/// `text` as a URL whose user, password and secret-looking query values are hidden. Text that is
/// no URL is hidden as a whole, for nobody knows what it holds.
pub fn mask_url(text: &str) -> String {
    Url::parse(text).map_or_else(|_| HIDDEN.to_owned(), |url| mask(&url))
}

/// Parts of a parameter's name that mark its value as a secret.
const TELLING: [&str; 9] =
    ["key", "token", "secret", "pass", "pwd", "auth", "sig", "credential", "session"];

fn mask(url: &Url) -> String {
    let mut shown = String::from(url.scheme());
    shown.push(':');
    if url.has_host() || url.scheme() == "file" {
        shown.push_str("//");
    }
    if !url.username().is_empty() || url.password().is_some() {
        shown.push_str(HIDDEN);
        shown.push('@');
    }
    shown.push_str(url.host_str().unwrap_or_default());
    if let Some(port) = url.port() {
        shown.push_str(&format!(":{port}"));
    }
    shown.push_str(url.path());
    let mut mark = '?';
    for pair in url.query().into_iter().flat_map(|query| query.split('&')) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let lower = name.to_ascii_lowercase();
        let hide = TELLING.iter().any(|part| lower.contains(part));
        shown.push(mark);
        shown.push_str(name);
        if !value.is_empty() {
            shown.push('=');
            shown.push_str(if hide { HIDDEN } else { value });
        }
        mark = '&';
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_as_its_placeholder() {
        let secret = Secret::new("sk-canary-1");
        assert_eq!(format!("{secret} {secret:?} {:?}", Some(&secret)).matches("canary").count(), 0);
        assert_eq!(secret.to_string(), "<secret>");
        assert_eq!(secret.expose(), "sk-canary-1");
    }

    #[test]
    fn secrets_compare_by_content() {
        assert_eq!(Secret::new("a"), Secret::new("a"));
        assert_ne!(Secret::new("a"), Secret::new("b"));
        assert!(!Secret::new("a").matches("ab"));
    }

    #[test]
    fn urls_hide_what_is_secret_in_them() {
        let table = [
            ("https://api.example.com/v1", "https://api.example.com/v1"),
            ("https://me:canary@example.com:8443/v1", "https://<secret>@example.com:8443/v1"),
            ("https://canary@example.com/", "https://<secret>@example.com/"),
            (
                "https://example.com/v1?api_key=canary&v=2",
                "https://example.com/v1?api_key=<secret>&v=2",
            ),
            ("https://example.com/?X-Sig=canary", "https://example.com/?X-Sig=<secret>"),
            ("not a url with canary", "<secret>"),
        ];
        for (text, shown) in table {
            assert_eq!(mask_url(text), shown, "{text}");
        }
    }

    #[test]
    fn a_safe_url_prints_masked() {
        let url = SafeUrl::new(Url::parse("http://u:canary@h/").expect("a URL"));
        assert!(!format!("{url} {url:?}").contains("canary"));
    }
}
