//! The models that providers list themselves. They are asked for only when a client asks quire for
//! its models, only where the record says `live_models`, and never longer than a client waits for.
//! What is found stands behind what is configured: it adds names and takes none away. Start with
//! [`Discovery::refresh`].

mod fetch;
mod page;

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;

use crate::catalog::Found;
use crate::config::{Live, Provider, Snapshot};
use crate::secret::{SafeUrl, Secret};
use crate::upstream::{Client, Timeouts};

/// How long a list counts as fresh, and how long a provider that failed is left alone.
const FRESH: Duration = Duration::from_secs(10 * 60);
const PAUSE: Duration = Duration::from_secs(60);

/// What one provider may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For its whole list.
    pub time: Duration,
    pub page_bytes: usize,
    pub pages: usize,
    pub models: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { time: Duration::from_secs(3), page_bytes: 1 << 20, pages: 20, models: 2_000 }
    }
}

/// Who was asked when, and what came of it.
#[derive(Debug, Default)]
pub struct Discovery {
    limits: Limits,
    asked: Mutex<HashMap<String, Arc<Asked>>>,
}

/// One question to one provider. Whoever comes while it is under way waits for its answer.
#[derive(Debug)]
struct Asked {
    url: Option<SafeUrl>,
    key: Option<Secret>,
    /// What is known if this question fails too.
    before: Option<Answer>,
    answer: OnceCell<Answer>,
}

#[derive(Clone, Debug)]
struct Answer {
    at: Instant,
    failed: bool,
    /// The last list that came.
    found: Option<Arc<[Found]>>,
}

impl Discovery {
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Asks every provider for its list that wants to be asked and was not lately, puts what was
    /// found into force, and returns what then is. A provider that fails changes nothing.
    pub async fn refresh(&self, live: &Live, client: &Client, now: Instant) -> Arc<Snapshot> {
        let snapshot = live.snapshot();
        let listing = |provider: &&Arc<Provider>| provider.record.live_models.is_some();
        let providers: Vec<&Arc<Provider>> = snapshot.providers().iter().filter(listing).collect();
        if providers.is_empty() {
            return snapshot;
        }
        let upstream = snapshot.upstream;
        let timeouts = Timeouts { connect: upstream.connect_timeout, idle: upstream.idle_timeout };
        let asking = providers.iter().map(|provider| {
            let asked = self.question(provider, now);
            async move { self.answer(&asked, provider, client, timeouts, now).await }
        });
        for (provider, found) in providers.iter().zip(all(asking).await) {
            if let Some(found) = found {
                live.found(provider, found);
            }
        }
        live.snapshot()
    }

    /// The question that stands, or a new one if the last answer is too old.
    fn question(&self, provider: &Provider, now: Instant) -> Arc<Asked> {
        let (url, key) = (provider.record.models_url(), provider.key.clone());
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let known = asked.get(&provider.id).filter(|known| known.url == url && known.key == key);
        if let Some(known) = known
            && known.answer.get().is_none_or(|answer| answer.stands(now))
        {
            return Arc::clone(known);
        }
        let before = known.and_then(|known| known.answer.get().cloned());
        let new = Arc::new(Asked { url, key, before, answer: OnceCell::new() });
        asked.insert(provider.id.clone(), Arc::clone(&new));
        new
    }

    async fn answer(
        &self,
        asked: &Asked,
        provider: &Provider,
        client: &Client,
        timeouts: Timeouts,
        now: Instant,
    ) -> Option<Arc<[Found]>> {
        let fetch = || async {
            let fetched = fetch::list(provider, client, timeouts, self.limits).await;
            let before = asked.before.as_ref();
            match fetched {
                Ok(found) => Answer { at: now, failed: false, found: Some(found.into()) },
                Err(fault) => {
                    if before.is_none_or(|before| !before.failed) {
                        tracing::warn!(
                            provider = provider.id,
                            "its list of models could not be had: {fault}"
                        );
                    }
                    let found = before.and_then(|before| before.found.clone());
                    Answer { at: now, failed: true, found }
                }
            }
        };
        asked.answer.get_or_init(fetch).await.found.clone()
    }
}

impl Answer {
    fn stands(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.at) < if self.failed { PAUSE } else { FRESH }
    }
}

/// Waits for all of them at once, and keeps their order.
async fn all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = waiting.iter().map(|_| None).collect();
    poll_fn(|cx| {
        for (future, done) in waiting.iter_mut().zip(&mut done) {
            if done.is_none()
                && let Poll::Ready(output) = future.as_mut().poll(cx)
            {
                *done = Some(output);
            }
        }
        match done.iter().all(Option::is_some) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    done.into_iter().flatten().collect()
}
