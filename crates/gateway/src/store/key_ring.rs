//! The client keys in memory, for the path of every request: checking a key touches no database.
//! A task beside it looks at the table every two seconds, so that a key made or revoked by another
//! process counts without a restart, and writes back when keys were used.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use aws_lc_rs::constant_time;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::keys::{self, Hash, KEY_LEN, PREFIX};
use super::{Result, Store, now_ms};

/// The table is small and the query takes microseconds, so it is simply read again.
const REFRESH: Duration = Duration::from_secs(2);
/// When keys were used is for people; a minute is exact enough.
const WRITE_BACK: Duration = Duration::from_secs(60);

/// The keys that are let in.
#[derive(Debug)]
pub struct KeyRing {
    store: Store,
    entries: ArcSwap<Vec<Entry>>,
}

/// Who presented a key.
#[derive(Debug)]
pub struct Caller {
    pub key_id: String,
    pub key_name: String,
    last_used_ms: AtomicI64,
    written_ms: AtomicI64,
}

#[derive(Clone, Debug)]
struct Entry {
    hash: Hash,
    caller: Arc<Caller>,
}

impl KeyRing {
    /// Reads the keys. Fails rather than starting with a ring that lets nobody, or everybody, in.
    pub async fn load(store: &Store) -> Result<Arc<Self>> {
        let ring = Self { store: store.clone(), entries: ArcSwap::default() };
        ring.refresh().await?;
        Ok(Arc::new(ring))
    }

    /// Whose key this is, if it is one that is let in.
    pub fn verify(&self, presented: &str) -> Option<Arc<Caller>> {
        if presented.len() != KEY_LEN || !presented.starts_with(PREFIX) {
            return None;
        }
        let hash = keys::hash(presented);
        let entries = self.entries.load();
        // Every entry is compared, and each in constant time: how long it takes says nothing.
        let mut found = None;
        for entry in entries.iter() {
            if constant_time::verify_slices_are_equal(&entry.hash, &hash).is_ok() {
                found = Some(&entry.caller);
            }
        }
        let caller = found?;
        caller.last_used_ms.store(now_ms(), Ordering::Relaxed);
        Some(Arc::clone(caller))
    }

    /// Whether there is no key at all. On loopback that means that everyone is let in.
    pub fn is_empty(&self) -> bool {
        self.entries.load().is_empty()
    }

    /// Reads the keys again. On failure the ring keeps what it had.
    pub async fn refresh(&self) -> Result<()> {
        let living = self.store.keys().living().await?;
        let known = self.entries.load();
        let entry = |(key, hash): (keys::Key, Hash)| {
            let same = known.iter().find(|entry| entry.caller.key_id == key.id);
            let caller = same.map(|entry| Arc::clone(&entry.caller)).unwrap_or_else(|| {
                let used = key.last_used_ms.unwrap_or_default();
                Arc::new(Caller {
                    key_id: key.id,
                    key_name: key.name,
                    last_used_ms: AtomicI64::new(used),
                    written_ms: AtomicI64::new(used),
                })
            });
            Entry { hash, caller }
        };
        let entries = living.into_iter().map(entry).collect();
        self.entries.store(Arc::new(entries));
        Ok(())
    }

    /// Keeps the ring in step with the table until it is told to stop. To be run as the task
    /// `client-keys`.
    pub async fn keep_fresh(self: Arc<Self>, stop: CancellationToken) {
        let mut refresh = interval(REFRESH);
        refresh.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut written = Instant::now();
        let mut reachable = true;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                _ = refresh.tick() => {}
            }
            let mut outcome = self.refresh().await;
            if outcome.is_ok() && written.elapsed() >= WRITE_BACK {
                outcome = self.write_back().await;
                written = Instant::now();
            }
            match outcome {
                Ok(()) => reachable = true,
                // Once per outage, not every two seconds.
                Err(error) if reachable => {
                    tracing::warn!(%error, "client keys stay as they were read last");
                    reachable = false;
                }
                Err(_) => {}
            }
        }
        if let Err(error) = self.write_back().await {
            tracing::warn!(%error, "when client keys were last used was not written");
        }
    }

    /// Writes when keys were used, for those that were used since.
    async fn write_back(&self) -> Result<()> {
        let entries = self.entries.load_full();
        let used: Vec<(&Caller, i64)> = entries
            .iter()
            .map(|entry| (&*entry.caller, entry.caller.last_used_ms.load(Ordering::Relaxed)))
            .filter(|(caller, used_ms)| *used_ms > caller.written_ms.load(Ordering::Relaxed))
            .collect();
        if used.is_empty() {
            return Ok(());
        }
        let rows: Vec<(&str, i64)> =
            used.iter().map(|(caller, used_ms)| (caller.key_id.as_str(), *used_ms)).collect();
        self.store.keys().touch(&rows).await?;
        for (caller, used_ms) in used {
            caller.written_ms.store(used_ms, Ordering::Relaxed);
        }
        Ok(())
    }
}
