//! What an upstream's error means: the provider's own rules first, then what the field shares.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode};
use wire::fault::{Fault, Phase, Upstream};
use wire::said;

use crate::config::Provider;
use crate::secret::Secret;

/// The longest wait that is passed on; a broken header must not park a client for a year.
const MAX_WAIT: Duration = Duration::from_secs(24 * 3600);
/// Shorter keys, such as `test` for a local server, are no secrets, and are words elsewhere.
const MIN_SECRET: usize = 8;

/// The fault behind an answer that is not a success.
pub(super) fn answer(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    provider: &Provider,
) -> Fault {
    let text = String::from_utf8_lossy(body);
    // MiMo answers a wish for a stream with the error as a lone `data:` line.
    let text = text.trim_start();
    let text = text.strip_prefix("data:").map_or(text, str::trim_start);
    let fault = said::read_body(status.as_u16(), text);
    let fault = Fault { phase: Phase::Sent, retry_after: retry_after(headers), ..fault };
    refine(fault, provider)
}

/// Applies the provider's own rules, and hides what an upstream may quote of what it was sent.
pub(super) fn refine(mut fault: Fault, provider: &Provider) -> Fault {
    hide_secrets(&mut fault, provider);
    let Some(Upstream { status, kind, code, message }) = fault.upstream.as_deref() else {
        return fault;
    };
    let codes: Vec<&str> = [code, kind].into_iter().flatten().map(String::as_str).collect();
    let words = message.as_deref().unwrap_or_default().to_lowercase();
    let rule = provider.record.errors.iter().find(|rule| rule.fits(*status, &codes, &words));
    let retry_after = fault.retry_after.or_else(|| wait_in(&words));
    let fault = Fault { retry_after, ..fault };
    match rule.map(|rule| rule.kind) {
        Some(kind) => {
            let blame = Fault::new(kind, "").blame;
            Fault { kind, blame, ..fault }
        }
        None => fault,
    }
}

/// Whether an upstream refused something that was sealed, by itself for another account or by
/// somebody else. OpenAI has a code for it; Anthropic has words (both as quoted in public reports).
pub(super) fn refuses_sealed(fault: &Fault) -> bool {
    let Some(said) = fault.upstream.as_deref().filter(|_| fault.phase != Phase::Committed) else {
        return false;
    };
    let codes = [&said.code, &said.kind];
    if codes.into_iter().flatten().any(|code| code == "invalid_encrypted_content") {
        return true;
    }
    let words = said.message.as_deref().unwrap_or_default().to_lowercase();
    let of_thinking = ["signature", "cannot be modified"];
    (words.contains("thinking") && of_thinking.iter().any(|what| words.contains(what)))
        || (words.contains("encrypted content") && words.contains("could not be"))
}

/// What a provider is sent in secret.
fn secrets(provider: &Provider) -> impl Iterator<Item = &str> {
    let headers = provider.record.headers.iter().map(|(_, value)| value);
    let secrets = provider.key.iter().chain(headers).map(Secret::expose);
    secrets.filter(|secret| secret.len() >= MIN_SECRET)
}

/// Hides the same in an error of the upstream's own that is passed on. As far as it is text: a
/// secret is.
pub(super) fn hide_in(passed: &mut Vec<u8>, provider: &Provider) {
    for secret in secrets(provider) {
        let is_here = |bytes: &[u8]| bytes.windows(secret.len()).any(|at| at == secret.as_bytes());
        if is_here(passed)
            && let Ok(text) = std::str::from_utf8(passed)
        {
            *passed = text.replace(secret, "<secret>").into_bytes();
        }
    }
}

/// Some servers repeat the key that they refuse.
fn hide_secrets(fault: &mut Fault, provider: &Provider) {
    for secret in secrets(provider) {
        let said = fault.upstream.as_mut();
        let said =
            said.into_iter().flat_map(|said| [&mut said.kind, &mut said.code, &mut said.message]);
        for text in said.flatten().chain([&mut fault.message]) {
            if text.contains(secret) {
                *text = text.replace(secret, "<secret>");
            }
        }
    }
}

/// `Retry-After`: seconds, or a date (RFC 9110, 10.2.3); some servers give milliseconds beside it.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let millis = || text("retry-after-ms")?.parse().ok().map(Duration::from_millis);
    let seconds = || {
        let seconds: f64 = text("retry-after")?.parse().ok()?;
        (seconds >= 0.0).then(|| Duration::try_from_secs_f64(seconds).ok())?
    };
    let date = || {
        let date = httpdate::parse_http_date(text("retry-after")?).ok()?;
        Some(date.duration_since(SystemTime::now()).unwrap_or_default())
    };
    millis().or_else(seconds).or_else(date).map(|wait| wait.min(MAX_WAIT))
}

/// The wait that an error names in its words, which are in lower case: `try again in 1m30.5s`.
fn wait_in(words: &str) -> Option<Duration> {
    const UNITS: [(&[&str], f64); 5] = [
        (&["ms", "millisecond", "milliseconds"], 0.001),
        (&["s", "sec", "secs", "second", "seconds"], 1.0),
        (&["m", "min", "mins", "minute", "minutes"], 60.0),
        (&["h", "hour", "hours"], 3600.0),
        (&["d", "day", "days"], 86_400.0),
    ];
    let (_, mut rest) = words.split_once("try again in ")?;
    let mut wait = None;
    while let Some(digits) = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')) {
        let Ok(number) = rest[..digits].parse::<f64>() else { break };
        let named = rest[digits..].trim_start();
        let end = named.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(named.len());
        let unit = UNITS.iter().find(|(names, _)| names.contains(&&named[..end]));
        let Some((_, seconds)) = unit else { break };
        wait = Some(wait.unwrap_or_default() + number * seconds);
        rest = named[end..].trim_start();
    }
    let wait: f64 = wait?;
    Some(Duration::from_secs_f64(wait.min(MAX_WAIT.as_secs_f64())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_read_in_the_words_of_an_error() {
        for (words, wait) in [
            ("please try again in 20s. visit the site to learn more", Some(20_000)),
            ("try again in 1.5s", Some(1500)),
            ("try again in 300ms.", Some(300)),
            ("please try again in 1m30s.", Some(90_000)),
            ("please try again in 1h2m3.5s.", Some(3_723_500)),
            ("try again in 2 minutes and", Some(120_000)),
            ("try again in 99999999999999999999999d", Some(86_400_000)),
            ("try again in a moment", None),
            ("try again in 5", None),
            ("try again in 5 parsecs", None),
            ("try again in ..s", None),
            ("slow down", None),
        ] {
            assert_eq!(wait_in(words), wait.map(Duration::from_millis), "{words}");
        }
    }

    #[test]
    fn every_form_of_retry_after_is_read() {
        let read = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            retry_after(&headers)
        };
        assert_eq!(read("retry-after", "2"), Some(Duration::from_secs(2)));
        assert_eq!(read("retry-after", "1.5"), Some(Duration::from_millis(1500)));
        assert_eq!(read("retry-after-ms", "300"), Some(Duration::from_millis(300)));
        assert_eq!(read("retry-after", "Sat, 01 Jan 2000 00:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(read("retry-after", "1e300"), None);
        assert_eq!(read("retry-after", "99999999999"), Some(MAX_WAIT));
        assert_eq!(read("retry-after", "-1"), None);
        assert_eq!(read("retry-after", "soon"), None);
    }
}
