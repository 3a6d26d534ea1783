//! Ids of tool calls. Clients demand letters, digits, `_` and `-` (Anthropic's API reference,
//! `tool_use.id`), but some models write others, such as Moonshot's `functions.f:0`, and want them
//! back. So what is not allowed is spelled out, and read back when the client returns it.

use crate::json::Escaped;
use std::borrow::Cow;

/// Begins an id that was spelled out.
const MARK: &str = "toolx_";

/// The id that clients are told.
pub(super) fn told(id: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let legal = !id.is_empty() && id.bytes().all(|byte| is_plain(byte) || byte == b'_');
    if legal && !id.starts_with(MARK) {
        return Cow::Borrowed(id);
    }
    let mut told = String::from(MARK);
    for byte in id.bytes() {
        if is_plain(byte) {
            told.push(char::from(byte));
        } else {
            told.push_str(&format!("_{byte:02x}"));
        }
    }
    Cow::Owned(told)
}

/// The id as its model wrote it.
pub(super) fn meant(told: Escaped<'_>) -> Escaped<'_> {
    match spelled(told.escaped()) {
        Some(id) => Escaped::plain(&id).into_owned(),
        None => told,
    }
}

/// What was spelled out as `id`, if anything was.
fn spelled(id: &str) -> Option<String> {
    let mut rest = id.strip_prefix(MARK)?.bytes();
    let mut bytes = Vec::with_capacity(rest.len());
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'_' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            plain => plain,
        });
    }
    let meant = String::from_utf8(bytes).ok()?;
    // Another server may give out ids that only look alike.
    (told(&meant) == id).then_some(meant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn good_ids_stay_and_others_are_spelled_out() {
        assert_eq!(told("call_1-A"), "call_1-A");
        assert_eq!(told("functions.bash:0"), "toolx_functions_2ebash_3a0");
        assert_eq!(told(""), "toolx_");
        for strange in ["toolx", "toolx_é", "toolx_a_2", "toolx_a_zz", "toolx_a_ff"] {
            assert_eq!(meant(Escaped::plain(strange)).text(), strange);
        }
    }

    proptest! {
        #[test]
        fn every_id_is_legal_and_comes_back(id in "(toolx_)?[a-z_.:é]{0,12}|.*") {
            let told = told(&id);
            prop_assert!(!told.is_empty());
            prop_assert!(told.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)));
            let back = meant(Escaped::plain(&told));
            prop_assert_eq!(back.text(), id.as_str());
        }
    }
}
