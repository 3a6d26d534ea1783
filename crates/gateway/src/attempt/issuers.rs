//! Who sealed what: upstreams want back what they sealed (signed thinking, encrypted reasoning) and
//! refuse what others did. Blobs of upstreams travel unchanged, so all that is kept is a keyed hash
//! of each and the provider it came from. Nothing depends on it: an unknown blob is passed on, and
//! an upstream that refuses it is asked once more without.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// How many blobs are remembered, the newest ones: about a hundred bytes each.
const MAX: usize = 1 << 16;

/// Who sealed what.
#[derive(Debug, Default)]
pub struct Issuers(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    by_blob: HashMap<[u8; 16], Arc<str>>,
    order: VecDeque<[u8; 16]>,
}

impl Issuers {
    /// Remembers that `issuer` sealed the blob with this hash.
    pub fn remember(&self, blob: [u8; 16], issuer: &Arc<str>) {
        let mut known = self.lock();
        if known.by_blob.insert(blob, Arc::clone(issuer)).is_none() {
            known.order.push_back(blob);
            if known.order.len() > MAX
                && let Some(oldest) = known.order.pop_front()
            {
                known.by_blob.remove(&oldest);
            }
        }
    }

    /// Whether the blob with this hash is known to come from somebody else than `issuer`.
    pub fn is_foreign(&self, blob: [u8; 16], issuer: &str) -> bool {
        self.lock().by_blob.get(&blob).is_some_and(|known| **known != *issuer)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_of_another_is_foreign() {
        let issuers = Issuers::default();
        let (one, two): (Arc<str>, Arc<str>) = ("one".into(), "two".into());
        issuers.remember([1; 16], &one);
        issuers.remember([2; 16], &two);
        assert!(!issuers.is_foreign([1; 16], "one"));
        assert!(issuers.is_foreign([2; 16], "one"));
        assert!(!issuers.is_foreign([3; 16], "one"));
    }

    #[test]
    fn the_oldest_are_forgotten_first() {
        let issuers = Issuers::default();
        let one: Arc<str> = "one".into();
        let blob = |number: usize| {
            let mut blob = [0; 16];
            blob[..8].copy_from_slice(&number.to_le_bytes());
            blob
        };
        for number in 0..MAX + 10 {
            issuers.remember(blob(number), &one);
        }
        assert!(!issuers.is_foreign(blob(0), "two") && issuers.is_foreign(blob(MAX), "two"));
        assert_eq!(issuers.lock().by_blob.len(), MAX);
    }
}
