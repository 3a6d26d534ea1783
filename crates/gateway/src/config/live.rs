//! The configuration in force. A reading that fails leaves the old one in place and is remembered,
//! so that `/health` can show it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;

use super::files::{Fingerprint, fingerprint};
use super::found::FoundModels;
use super::{Diagnostic, Provider, Severity, Snapshot};
use crate::catalog::Found;

/// Looks up an environment variable, from any thread.
pub type SharedEnvironment = dyn Fn(&str) -> Option<String> + Send + Sync;

/// The configuration in force, and how its last reading went.
pub struct Live {
    path: Option<PathBuf>,
    env: Arc<SharedEnvironment>,
    current: ArcSwap<Snapshot>,
    /// What providers said of their models; held while `current` is replaced.
    found: Mutex<FoundModels>,
    standing: ArcSwap<Standing>,
    seen: Mutex<Fingerprint>,
}

/// How the last reading went.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    pub diagnostics: Vec<Diagnostic>,
    /// The files could not be used: what is in force is older than they are.
    pub stale: bool,
}

/// What a reload did.
#[derive(Clone, Debug)]
pub enum Reload {
    /// The new configuration is in force.
    Taken(Vec<Diagnostic>),
    /// The old one stays.
    Kept(Vec<Diagnostic>),
}

impl Live {
    /// Reads the configuration for the first time.
    ///
    /// # Errors
    /// All diagnostics, if one of them is an error.
    pub fn start(
        path: Option<PathBuf>,
        env: Arc<SharedEnvironment>,
    ) -> Result<Arc<Self>, Vec<Diagnostic>> {
        let seen = fingerprint(path.as_deref(), &*env);
        let (snapshot, diagnostics) = Snapshot::load(path.as_deref(), &*env)?;
        Ok(Arc::new(Self {
            path,
            env,
            current: ArcSwap::from_pointee(snapshot),
            found: Mutex::default(),
            standing: ArcSwap::from_pointee(Standing { diagnostics, stale: false }),
            seen: Mutex::new(seen),
        }))
    }

    /// The configuration in force. A request asks once and keeps what it got.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    pub fn standing(&self) -> Arc<Standing> {
        self.standing.load_full()
    }

    /// Reads the files again, changed or not.
    pub fn reload(&self) -> Reload {
        match Snapshot::load(self.path.as_deref(), &*self.env) {
            Ok((snapshot, mut diagnostics)) => {
                diagnostics.extend(needs_restart(&self.snapshot(), &snapshot));
                let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
                self.current.store(Arc::new(found.laid_over(snapshot)));
                drop(found);
                let standing = Standing { diagnostics: diagnostics.clone(), stale: false };
                self.standing.store(Arc::new(standing));
                Reload::Taken(diagnostics)
            }
            Err(diagnostics) => {
                let standing = Standing { diagnostics: diagnostics.clone(), stale: true };
                self.standing.store(Arc::new(standing));
                Reload::Kept(diagnostics)
            }
        }
    }

    /// Takes over what `provider` says of its models. It holds through reloads, for as long as the
    /// provider is asked at the same address.
    pub fn found(&self, provider: &Provider, models: Arc<[Found]>) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if found.replace(provider, models) {
            let snapshot = Snapshot::clone(&self.snapshot());
            self.current.store(Arc::new(found.laid_over(snapshot)));
        }
    }

    /// Reads the files again if they look different from last time.
    pub fn reload_if_changed(&self) -> Option<Reload> {
        let now = fingerprint(self.path.as_deref(), &*self.env);
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if *seen == now {
                return None;
            }
            *seen = now;
        }
        Some(self.reload())
    }

    /// Looks at the files every `interval` and tells `told` of each reload. Runs until dropped.
    pub async fn watch(self: Arc<Self>, interval: Duration, told: impl Fn(&Reload) + Send) {
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let live = Arc::clone(&self);
            // A home on a slow disk must not hold up requests.
            let reload = tokio::task::spawn_blocking(move || live.reload_if_changed()).await;
            if let Ok(Some(reload)) = reload {
                told(&reload);
            }
        }
    }
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live")
            .field("path", &self.path)
            .field("current", &self.current)
            .field("standing", &self.standing)
            .finish_non_exhaustive()
    }
}

/// Settings that a running process cannot change.
fn needs_restart(old: &Snapshot, new: &Snapshot) -> Option<Diagnostic> {
    let changed = if old.server.listen != new.server.listen {
        "server.listen"
    } else if old.store != new.store {
        "store.responses"
    } else {
        return None;
    };
    let file = new.file.clone().unwrap_or_default();
    let mut diagnostic =
        Diagnostic::of_file(Severity::Warning, file, "takes effect after a restart");
    changed.clone_into(&mut diagnostic.path);
    Some(diagnostic)
}
