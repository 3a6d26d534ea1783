//! What a scripted model seals its thinking with: signatures (Messages) and encrypted content
//! (Responses). A seal can be checked by whoever holds the text, so the strict upstream knows its
//! own without remembering them. This is no cryptography; it only catches seals that were lost,
//! moved or changed.

/// How every seal begins that was made here.
const MADE: &str = "EtkSEAL";

/// What a seal given by a test begins with, to be accepted whatever it seals. `FAKE-SIG` stands in
/// the recordings of clients.
const GIVEN: [&str; 2] = ["sig-testkit", "FAKE-SIG"];

/// What parts a seal from the number of calls before it.
const BEHIND: &str = "+behind+";

/// The seal of a text.
pub fn seal(text: &str) -> String {
    // 64-bit FNV-1a, twice, so that a seal is as long as a short real one.
    let hash = |start: u64| {
        text.bytes()
            .fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
    };
    format!("{MADE}{:016x}{:016x}==", hash(0xcbf2_9ce4_8422_2325), hash(0x9ae1_6a3b_2f90_404f))
}

/// The same for a thought that came behind so many calls of its answer.
pub fn seal_after(calls: usize, text: &str) -> String {
    match calls {
        0 => seal(text),
        calls => format!("{}{BEHIND}{calls}", seal(text)),
    }
}

/// How many calls stood before the thought that this seals; a seal given by a test need not say.
pub fn calls_before(given: &str) -> Option<usize> {
    match given.split_once(BEHIND) {
        Some((_, calls)) => calls.parse().ok(),
        None => given.starts_with(MADE).then_some(0),
    }
}

/// Whether this is a seal, made here or given by a test. Where the text is shown it must be the
/// one that was sealed; thinking that was not shown has no text to compare.
pub fn is_seal_of(given: &str, text: &str) -> bool {
    let (given, _) = given.split_once(BEHIND).unwrap_or((given, ""));
    let made = || given.strip_prefix(MADE).and_then(|rest| rest.strip_suffix("=="));
    let is_made = made()
        .is_some_and(|hash| hash.len() == 32 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
    GIVEN.iter().any(|prefix| given.starts_with(prefix))
        || is_made && (text.is_empty() || given == seal(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_is_known_with_its_text_or_with_none() {
        let made = seal("let me see");
        assert!(is_seal_of(&made, "let me see") && is_seal_of(&made, ""));
        assert!(is_seal_of("sig-testkit-1", "anything"));
    }

    #[test]
    fn a_seal_knows_what_came_before_it() {
        let made = seal_after(2, "then");
        assert!(is_seal_of(&made, "then") && !is_seal_of(&made, "than"));
        let first = seal_after(0, "then");
        let calls = [&made, &first, "sig-testkit"].map(calls_before);
        assert_eq!(calls, [Some(2), Some(0), None]);
    }

    #[test]
    fn a_seal_that_was_moved_or_changed_is_none() {
        let made = seal("let me see");
        assert!(!is_seal_of(&made, "let me sea"));
        assert!(!is_seal_of(&made[1..], "let me see") && !is_seal_of(&made[..20], ""));
        assert!(!is_seal_of("", "") && !is_seal_of("gAAAAB", ""));
    }
}
