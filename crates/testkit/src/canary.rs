//! Marked fake secrets. Tests use these and no others, and hunt for the mark in every output; one
//! that shows up anywhere is a leak. It cannot see a secret that was hashed or encrypted, which is
//! what should happen to it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// The mark that every fake secret carries.
pub const MARK: &str = "qCANARYq";

/// A provider's API key.
pub const API_KEY: &str = "sk-qCANARYq-provider-8f3e19c07b52d46a";
/// A second provider's API key.
pub const OTHER_API_KEY: &str = "sk-qCANARYq-another-51d0e7739ab8c264";
/// A client's own key, which quire must not forward.
pub const CLIENT_KEY: &str = "qk-qCANARYq-client-c41f6b0ed98a7325";
/// An OAuth access token, three parts as a JWT has.
pub const ACCESS_TOKEN: &str = "eyJhbGciOiJub25lIn0.qCANARYq-access-27d9.e5b8c3f1a0746d92";
/// An OAuth refresh token.
pub const REFRESH_TOKEN: &str = "rt_qCANARYq-refresh-93ad5e0c17fb8426";
/// The admin token.
pub const ADMIN_TOKEN: &str = "qa-qCANARYq-admin-0b6c2f8e4d1a9735";
/// A prompt, which must not reach a log or the disk.
pub const PROMPT: &str = "the qCANARYq prompt: paint the harbour at noon";

/// Every fake above.
pub const ALL: [&str; 7] =
    [API_KEY, OTHER_API_KEY, CLIENT_KEY, ACCESS_TOKEN, REFRESH_TOKEN, ADMIN_TOKEN, PROMPT];

/// The first trace of a fake secret: where it starts, and what was recognised. It sees the mark in
/// any case, in base64 at any offset, in hex, and the unmarked tail of a key that was cut.
pub fn find(text: impl AsRef<[u8]>) -> Option<(usize, String)> {
    let text = text.as_ref();
    let lower = text.to_ascii_lowercase();
    let folded = |needle: &str| position(&lower, needle.to_ascii_lowercase().as_bytes());
    let exact = |needle: &str| position(text, needle.as_bytes());
    let hex: String = MARK.bytes().map(|byte| format!("{byte:02x}")).collect();
    let tails = ALL.iter().filter_map(|secret| secret.get(secret.len().saturating_sub(12)..));
    std::iter::once(MARK)
        .chain([hex.as_str()])
        .chain(tails)
        .find_map(|needle| folded(needle).map(|at| (at, needle.to_owned())))
        .or_else(|| encoded().into_iter().find_map(|needle| exact(&needle).map(|at| (at, needle))))
}

/// Fails the test when `text` shows any fake secret. `what` names the text in the message.
///
/// # Panics
/// When a trace of a fake secret is found.
#[track_caller]
pub fn assert_no_secret(what: &str, text: impl AsRef<[u8]>) {
    let text = text.as_ref();
    if let Some((at, needle)) = find(text) {
        let around = &text[at.saturating_sub(60)..(at + 60).min(text.len())];
        let around = String::from_utf8_lossy(around);
        assert!(find(text).is_none(), "{what} shows a secret (`{needle}` at byte {at}): {around}");
    }
}

/// The mark inside base64, at each of the three offsets it can have; only the characters that do
/// not depend on the neighbours.
fn encoded() -> Vec<String> {
    let middle = |skip: usize| {
        let padded = format!("{}{MARK}", "\0".repeat(skip));
        let text = STANDARD_NO_PAD.encode(&padded);
        let start = (skip * 8).div_ceil(6);
        let end = padded.len() * 8 / 6;
        text[start..end].to_owned()
    };
    (0..3).map(middle).collect()
}

fn position(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fake_is_found_in_every_form() {
        for secret in ALL {
            assert!(find(format!("log: {secret} end")).is_some());
            assert!(find(secret.to_uppercase()).is_some());
            for skip in 0..3 {
                let text = format!("{}{secret}", "x".repeat(skip));
                assert!(find(STANDARD_NO_PAD.encode(&text)).is_some(), "{secret} at {skip}");
            }
            let hex: String = secret.bytes().map(|byte| format!("{byte:02X}")).collect();
            assert!(find(hex).is_some());
            assert!(find(&secret[secret.len() - 12..]).is_some());
        }
    }

    #[test]
    fn innocent_text_passes() {
        assert_no_secret("a log line", "authorization: [redacted], prompt of 12 tokens, sk-...");
    }

    #[test]
    #[should_panic(expected = "the log shows a secret")]
    fn a_leak_fails_the_test() {
        assert_no_secret("the log", format!("bearer {API_KEY}"));
    }
}
