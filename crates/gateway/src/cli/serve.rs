//! `quire serve`: the life of the gateway, from its configuration to its last row.

use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use super::{ConfigFile, environment, report};
use crate::codex::{self, Source};
use crate::config::{Live, Reload, Snapshot};
use crate::drain::Drain;
use crate::serve::{App, NotStarted, start};

/// How often the configuration is looked at.
const WATCH: Duration = Duration::from_secs(1);
/// The most threads that serve connections; one serves some thousand turns a second.
const MAX_THREADS: usize = 8;
/// How long answers under way may go on after the end was asked for.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    file: ConfigFile,
    /// The address to listen on, instead of the configured one
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

/// Runs the gateway until it is told to end.
pub(super) async fn run(options: Options) -> anyhow::Result<ExitCode> {
    init_logging();
    let live = match Live::start(options.file.config.clone(), Arc::new(environment)) {
        Ok(live) => live,
        Err(found) => {
            report(&found);
            eprintln!("quire: the configuration is broken, so nothing was started");
            return Ok(ExitCode::from(1));
        }
    };
    report(&live.standing().diagnostics);
    let running =
        match start(Arc::clone(&live), options.listen, threads(), WATCH, tell_reload).await {
            Ok(running) => running,
            Err(NotStarted::Exposed(exposed)) => {
                report(&[*exposed]);
                return Ok(ExitCode::from(1));
            }
            Err(NotStarted::Failed(error)) => return Err(error),
        };
    let signals = tokio::spawn(end_on_signal(running.app().drain.clone()));
    greet(running.app(), &live.snapshot())?;
    running.finish(PATIENCE).await;
    signals.abort();
    Ok(ExitCode::SUCCESS)
}

/// As many threads as there are processors, up to what one user can want.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, |count| count.get().min(MAX_THREADS))
}

fn init_logging() {
    use tracing_subscriber::EnvFilter;
    let filter =
        EnvFilter::try_from_env("QUIRE_LOG").unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    let logger = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // A second start within one process, as in tests, keeps the first one's logger.
    let _ = logger.try_init();
}

/// Says where quire is and what to do next.
fn greet(app: &App, snapshot: &Snapshot) -> std::io::Result<()> {
    let address = app.address;
    let mut out = std::io::stdout().lock();
    writeln!(out, "quire listens on http://{address}")?;
    let configured =
        snapshot.providers().iter().filter(|provider| provider.id != crate::config::BUILT_IN);
    let names: Vec<&str> = configured.map(|provider| provider.id.as_str()).collect();
    match (&snapshot.file, names.is_empty()) {
        (Some(file), false) => {
            writeln!(out, "configuration: {} (providers: {})", file.display(), names.join(", "))?
        }
        (None, false) => writeln!(out, "providers found by their keys: {}", names.join(", "))?,
        (_, true) => {
            let file = snapshot.file.clone().unwrap_or_else(|| snapshot.home.join("config.toml"));
            writeln!(out, "no provider is configured; the demo answers: {}", demo_call(address))?;
            writeln!(
                out,
                "next: add a provider to {} (see README.md), then point your client at http://{address}/v1",
                file.display()
            )?;
        }
    }
    if codex::instructions(snapshot, None).source == Source::Neutral {
        writeln!(
            out,
            "for Codex: run `quire codex sync` once, so that its own instructions reach every model"
        )?;
    }
    out.flush()
}

fn demo_call(address: SocketAddr) -> String {
    format!(
        "curl -N http://{address}/v1/responses -H 'content-type: application/json' -d '{{\"model\":\"quire/demo\",\"input\":\"hello\",\"stream\":true}}'"
    )
}

fn tell_reload(reload: &Reload) {
    match reload {
        Reload::Taken(found) => {
            tracing::info!("the configuration was read again");
            found.iter().for_each(|diagnostic| tracing::warn!("{diagnostic}"));
        }
        Reload::Kept(found) => {
            tracing::error!("the configuration is broken; the one before stays in force");
            found.iter().for_each(|diagnostic| tracing::error!("{diagnostic}"));
        }
    }
}

/// The first signal drains, the second ends at once.
async fn end_on_signal(drain: Drain) {
    signal().await;
    drain.start();
    signal().await;
    std::process::exit(130);
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn signal() {
    let _ = tokio::signal::ctrl_c().await;
}
