//! What ties the requests of one conversation together, as each client says it
//! (`reference` measurements: Codex, Claude Code, OpenCode, Pi).

use http::HeaderMap;
use wire::json::{Tape, Value};

/// Headers that name a conversation, and who sends them.
const HEADERS: [&str; 5] = [
    // Codex.
    "session-id",
    // Claude Code.
    "x-claude-code-session-id",
    // OpenCode.
    "x-session-id",
    "x-session-affinity",
    // Pi.
    "session_id",
];
/// Longer names are no names.
const MAX: usize = 200;

/// The conversation of a request, if anything names it.
pub(super) fn of(headers: &HeaderMap, root: Value<'_, '_>) -> Option<String> {
    // What names nothing does not hide the next.
    let usable = |name: &String| !name.is_empty() && name.len() <= MAX;
    let named = |name: &&str| headers.get(*name)?.to_str().ok().map(str::to_owned).filter(usable);
    let found = HEADERS.iter().find_map(named).or_else(|| {
        let key = root.get("prompt_cache_key").and_then(Value::as_str);
        key.map(|key| key.text().into_owned()).filter(usable)
    });
    found.or_else(|| in_user(root).filter(usable))
}

/// Claude Code also writes its session into `metadata.user_id`, which is JSON in a string.
fn in_user(root: Value<'_, '_>) -> Option<String> {
    let user = root.get("metadata")?.get("user_id")?.as_str()?;
    let text = user.text();
    let mut tape = Tape::default();
    let session = tape.read(&text).ok()?.get("session_id")?.as_str()?;
    Some(session.text().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(headers: &[(&'static str, &str)], body: &str) -> Option<String> {
        let headers = headers.iter().map(|(name, value)| {
            (http::HeaderName::from_static(name), value.parse().expect("a value"))
        });
        of(&headers.collect(), Tape::default().read(body).expect("JSON"))
    }

    #[test]
    fn every_client_is_understood() {
        let body = r#"{"prompt_cache_key":"k","metadata":{"user_id":"{\"device_id\":\"d\",\"session_id\":\"s\"}"}}"#;
        for name in HEADERS {
            assert_eq!(session(&[(name, "h")], body).as_deref(), Some("h"), "{name}");
        }
        assert_eq!(session(&[], body).as_deref(), Some("k"));
        assert_eq!(session(&[], &body.replace("prompt_cache_key", "x")).as_deref(), Some("s"));
        assert_eq!(session(&[], "{}"), None);
        for nothing in ["", &"x".repeat(1000)] {
            let headers = [("session-id", nothing), ("x-session-id", "h")];
            assert_eq!(session(&headers, body).as_deref(), Some("h"));
            assert_eq!(session(&headers[..1], body).as_deref(), Some("k"));
        }
        assert_eq!(session(&[("session-id", &"x".repeat(1000))], "{}"), None);
    }
}
