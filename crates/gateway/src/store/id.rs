//! Ids: UUID version 7 (RFC 9562) as text, so that they sort by the time they were made in.

use super::now_ms;
use crate::private_file::random;

/// A new id.
pub fn new_id() -> String {
    let millis = u64::try_from(now_ms()).unwrap_or_default();
    let mut bytes = random::<16>();
    bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    bytes[6] = 0x70 | bytes[6] & 0x0f;
    bytes[8] = 0x80 | bytes[8] & 0x3f;

    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.into_iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push(char::from(HEX[usize::from(byte >> 4)]));
        text.push(char::from(HEX[usize::from(byte & 0x0f)]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_uuid_of_version_7_that_tells_its_time() {
        let before = now_ms();
        let id = new_id();
        let after = now_ms();
        let parts: Vec<&str> = id.split('-').collect();
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert!(id.chars().all(|c| c == '-' || c.is_ascii_digit() || ('a'..='f').contains(&c)));
        assert!(parts[2].starts_with('7'));
        assert!(parts[3].starts_with(['8', '9', 'a', 'b']));
        let made = i64::from_str_radix(&format!("{}{}", parts[0], parts[1]), 16).unwrap();
        assert!((before..=after).contains(&made));
    }

    #[test]
    fn ids_do_not_repeat() {
        let ids: std::collections::HashSet<String> = (0..1000).map(|_| new_id()).collect();
        assert_eq!(ids.len(), 1000);
    }
}
