//! From a configuration to a running gateway, and to its end: what `quire serve` and the tests
//! share. It prints nothing and listens to no signal.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::crew::Crew;
use super::{App, Listener};
use crate::admin_token::AdminToken;
use crate::attempt::{Gateway, Shared};
use crate::config::{Diagnostic, Live, Reload, Snapshot};
use crate::discovery::Discovery;
use crate::drain::Drain;
use crate::private_file;
use crate::seal::Sealer;
use crate::store::{KeyRing, Limits, Recorder, Store, Summary};
use crate::telemetry::Metrics;
use crate::upstream::Client;

/// Why nothing was started.
#[derive(Debug, thiserror::Error)]
pub enum NotStarted {
    /// Others could reach it, and there is no client key.
    #[error("{0}")]
    Exposed(Box<Diagnostic>),
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// A gateway that runs.
#[derive(Debug)]
pub struct Running {
    app: Arc<App>,
    stop: CancellationToken,
    listener: JoinHandle<()>,
    request_log: JoinHandle<Summary>,
    client_keys: JoinHandle<()>,
    configuration: JoinHandle<()>,
}

/// Starts a gateway on `listen`, or on the configured address. Its configuration is looked at
/// every `watch`, and `told` hears of each reload. `threads` serve its connections; with none they
/// are served by the caller's runtime.
///
/// # Errors
/// The address cannot be listened on, or `$QUIRE_HOME` cannot be used.
pub async fn start(
    live: Arc<Live>,
    listen: Option<SocketAddr>,
    threads: usize,
    watch: Duration,
    told: impl Fn(&Reload) + Send + 'static,
) -> Result<Running, NotStarted> {
    let started = Instant::now();
    let snapshot = live.snapshot();
    let home = &snapshot.home;
    private_file::create_dir(home).with_context(|| format!("cannot make `{}`", home.display()))?;
    let store = Store::open(&home.join("quire.db")).await.map_err(anyhow::Error::from)?;
    let keys = KeyRing::load(&store).await.map_err(anyhow::Error::from)?;
    let address = listen.unwrap_or(snapshot.server.listen);
    if let Some(exposed) = snapshot.exposed(address, !keys.is_empty()) {
        return Err(NotStarted::Exposed(Box::new(exposed)));
    }
    let listener = Listener::bind(address).await?;
    let (recorder, writer) = Recorder::new(&store, log_limits(&snapshot));
    let app = Arc::new(App {
        gateway: Arc::new(Gateway {
            client: Client::default(),
            shared: Shared::default(),
            issuers: Arc::default(),
            sealer: Arc::new(Sealer::load_or_create(home).map_err(anyhow::Error::from)?),
        }),
        live: Arc::clone(&live),
        keys: Arc::clone(&keys),
        store,
        recorder,
        metrics: Arc::new(Metrics::default()),
        repeats: Arc::default(),
        discovery: Discovery::default(),
        admin_token: AdminToken::load_or_create(home).map_err(anyhow::Error::from)?,
        drain: Drain::default(),
        started,
        address: listener.address().map_err(anyhow::Error::from)?,
    });
    let crew = Crew::start(&app, threads).context("no threads to serve connections")?;
    // Every task that outlives a request: its name, its owner (`Running`) and its end.
    let stop = CancellationToken::new();
    Ok(Running {
        request_log: tokio::spawn(writer.run(stop.clone())),
        client_keys: tokio::spawn(keys.keep_fresh(stop.clone())),
        configuration: tokio::spawn(live.watch(watch, told)),
        listener: tokio::spawn(listener.run(app.drain.clone(), crew)),
        app,
        stop,
    })
}

impl Running {
    /// What its requests share.
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Waits for the end to begin, gives what is under way so much time, and ends.
    pub async fn finish(self, patience: Duration) {
        let drain = self.app.drain.clone();
        drain.started().await;
        let _ = self.listener.await;
        tracing::info!("ending: waiting for {} s at most", patience.as_secs());
        drain.finish(patience).await;
        self.configuration.abort();
        self.stop.cancel();
        let _ = self.client_keys.await;
        let _ = self.request_log.await;
        let _ = tokio::time::timeout(Duration::from_secs(3), self.app.store.close()).await;
    }
}

fn log_limits(snapshot: &Snapshot) -> Limits {
    let days = snapshot.log.retention.as_secs().div_ceil(86_400);
    Limits {
        days: u32::try_from(days).unwrap_or(u32::MAX),
        rows: snapshot.log.max_rows,
        ..Limits::default()
    }
}
