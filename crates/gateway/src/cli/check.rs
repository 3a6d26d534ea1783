//! `quire check`: whether the configuration is right.

use std::process::ExitCode;

use super::{ConfigFile, environment, open_store, report, say};
use crate::codex::{self, Source};
use crate::config::Snapshot;
use crate::route::list;

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    file: ConfigFile,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let (snapshot, mut found) = match Snapshot::load(options.file.config.as_deref(), &environment) {
        Ok((snapshot, found)) => (Some(snapshot), found),
        Err(found) => (None, found),
    };
    if let Some(snapshot) = &snapshot {
        // Without a database there are no keys either, and looking must not make one.
        let has_keys = snapshot.home.join("quire.db").exists()
            && open_store(snapshot).await?.keys().any().await?;
        found.extend(snapshot.exposed(snapshot.server.listen, has_keys));
    }
    let broken = crate::document::has_errors(&found);
    if options.json {
        let problems: Vec<_> = found.iter().map(|diagnostic| diagnostic.json()).collect();
        let report = serde_json::json!({
            "ok": !broken,
            "file": snapshot.as_ref().and_then(|snapshot| snapshot.file.clone()),
            "problems": problems,
            "codex": snapshot.as_ref().map(|snapshot| codex::instructions(snapshot, None).json()),
        });
        say(report);
    } else {
        report(&found);
        if let Some(snapshot) = &snapshot {
            summary(snapshot);
        }
    }
    Ok(if broken { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn summary(snapshot: &Snapshot) {
    match &snapshot.file {
        Some(file) => say(format_args!("configuration: {}", file.display())),
        None => say(format_args!(
            "no configuration yet: write one to {}",
            snapshot.home.join("config.toml").display()
        )),
    }
    say(format_args!("listen: http://{}", snapshot.server.listen));
    for provider in snapshot.providers() {
        let key = match (&provider.key, provider.record.auth.optional) {
            (Some(_), _) => "has a key",
            (None, true) => "needs no key",
            (None, false) => "has NO key",
        };
        say(format_args!("provider {}: {}, {key}", provider.id, provider.record.name));
    }
    let models = list(snapshot);
    say(format_args!(
        "models: {} (`curl http://{}/v1/models` lists them)",
        models.len(),
        snapshot.server.listen
    ));
    match codex::instructions(snapshot, None).source {
        Source::Configured => say(format_args!("codex: base instructions from the configuration")),
        Source::Codex(version) => say(format_args!("codex: base instructions of Codex {version}")),
        Source::Neutral => say(format_args!(
            "codex: a short text of quire's own stands in for Codex's instructions; `quire codex sync` reads those of your Codex"
        )),
    }
}
