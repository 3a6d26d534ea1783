//! Texts that many answers have in common. A client sends the same tools and instructions with
//! every request, and each answer repeats them; while several stream, one copy is enough.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Below this a copy costs less than looking.
const MIN_SIZE: usize = 4 << 10;

/// The texts that are in use.
#[derive(Debug, Default)]
pub struct Shared {
    texts: Mutex<HashMap<u64, Weak<str>>>,
    hasher: RandomState,
}

impl Shared {
    /// The one copy of `text`.
    pub fn get(&self, text: &str) -> Arc<str> {
        if text.len() < MIN_SIZE {
            return Arc::from(text);
        }
        let key = self.hasher.hash_one(Sample::of(text));
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = texts.get(&key).and_then(Weak::upgrade)
            && *known == *text
        {
            return known;
        }
        if texts.len() == texts.capacity() {
            texts.retain(|_, known| known.strong_count() > 0);
        }
        let new: Arc<str> = Arc::from(text);
        texts.insert(key, Arc::downgrade(&new));
        new
    }
}

/// A few places of a text. Texts that agree in them are compared in full, so a hash of everything
/// would only cost time.
#[derive(Hash)]
struct Sample<'t> {
    size: usize,
    places: [&'t [u8]; 4],
}

impl<'t> Sample<'t> {
    fn of(text: &'t str) -> Self {
        const WIDTH: usize = 64;
        let bytes = text.as_bytes();
        let at = |part: usize| {
            let start = (bytes.len() - WIDTH) * part / 3;
            &bytes[start..start + WIDTH]
        };
        Self { size: bytes.len(), places: [at(0), at(1), at(2), at(3)] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_are_one_and_others_are_not() {
        let shared = Shared::default();
        let text = "x".repeat(10_000);
        let (one, two) = (shared.get(&text), shared.get(&text));
        assert!(Arc::ptr_eq(&one, &two));
        // The same at the sampled places, but not the same.
        let mut other = text.clone().into_bytes();
        other[2000] = b'y';
        let other = shared.get(std::str::from_utf8(&other).unwrap());
        assert!(!Arc::ptr_eq(&one, &other) && other.contains('y'));
    }

    #[test]
    fn nothing_is_kept_that_nobody_uses() {
        let shared = Shared::default();
        for number in 0..10_000 {
            shared.get(&format!("{number}{}", "x".repeat(MIN_SIZE)));
        }
        assert!(shared.texts.lock().unwrap().len() < 100);
    }
}
