//! The guard against hot loops: a client that sends the same body again as soon as it is answered,
//! many times a second, burns money and helps nobody. What runs side by side is no loop: asking the
//! same thing several times at once is a way to sample.

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;

/// The time in which repetitions count.
const WINDOW: Duration = Duration::from_secs(10);
/// How many bodies are remembered; the window is short.
const MAX: usize = 4096;

/// What was sent lately.
#[derive(Debug, Default)]
pub struct Repeats {
    seen: Mutex<HashMap<u64, Seen>>,
    hasher: RandomState,
}

/// The exchanges with one body.
#[derive(Debug, Default)]
struct Seen {
    /// When they ended, the newest last.
    ends: VecDeque<Instant>,
}

/// One exchange with a body; its end is counted when this is dropped.
#[derive(Debug)]
pub struct Ticket {
    repeats: Arc<Repeats>,
    key: u64,
}

impl Repeats {
    /// Lets a request in, or says how long its sender should wait. `who` tells clients apart.
    /// `limit` is how often a body may be repeated.
    ///
    /// # Errors
    /// It was repeated too often; the time until it may come again.
    pub fn admit(
        self: &Arc<Self>,
        who: Option<&str>,
        body: &str,
        limit: usize,
        now: Instant,
    ) -> Result<Ticket, Duration> {
        let key = self.hasher.hash_one((who, body));
        let mut all = self.lock();
        if all.len() >= MAX && !all.contains_key(&key) {
            all.retain(|_, seen| seen.ends.back().is_some_and(|end| now - *end < WINDOW));
            if all.len() >= MAX {
                all.clear();
            }
        }
        let seen = all.entry(key).or_default();
        while seen.ends.front().is_some_and(|end| now.saturating_duration_since(*end) >= WINDOW) {
            seen.ends.pop_front();
        }
        if let Some(oldest) = seen.ends.front().filter(|_| seen.ends.len() >= limit) {
            return Err(WINDOW.saturating_sub(now.saturating_duration_since(*oldest)));
        }
        Ok(Ticket { repeats: Arc::clone(self), key })
    }

    fn ended(&self, key: u64, now: Instant) {
        if let Some(seen) = self.lock().get_mut(&key) {
            seen.ends.push_back(now);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.repeats.ended(self.key, Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_body_again_and_again_is_a_loop() {
        let repeats = Arc::new(Repeats::default());
        let now = Instant::now();
        for _ in 0..10 {
            drop(repeats.admit(Some("me"), "body", 10, now).expect("not yet"));
        }
        let wait = repeats.admit(Some("me"), "body", 10, Instant::now()).unwrap_err();
        assert!(wait > Duration::from_secs(5) && wait <= WINDOW);
        assert!(repeats.admit(Some("you"), "body", 10, now).is_ok());
        assert!(repeats.admit(Some("me"), "other", 10, now).is_ok());
        assert!(repeats.admit(Some("me"), "body", 10, Instant::now() + WINDOW).is_ok());
    }

    #[test]
    fn what_runs_side_by_side_is_none() {
        let repeats = Arc::new(Repeats::default());
        let now = Instant::now();
        let tickets: Vec<_> = (0..50).map(|_| repeats.admit(None, "body", 10, now)).collect();
        assert!(tickets.iter().all(Result::is_ok));
    }

    #[test]
    fn bodies_that_differ_anywhere_are_not_the_same() {
        let repeats = Arc::new(Repeats::default());
        for number in 0..100u8 {
            let mut body = vec![b'x'; 10_000];
            body[3_000] = number + 28;
            let body = String::from_utf8(body).unwrap();
            assert!(repeats.admit(None, &body, 10, Instant::now()).is_ok(), "{number}");
        }
    }

    #[test]
    fn memory_is_bounded() {
        let repeats = Arc::new(Repeats::default());
        for number in 0..3 * MAX {
            drop(repeats.admit(None, &number.to_string(), 10, Instant::now()));
        }
        assert!(repeats.lock().len() <= MAX);
    }
}
