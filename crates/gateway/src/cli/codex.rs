//! `quire codex`: what concerns OpenAI Codex.

use std::process::ExitCode;

use super::{ConfigFile, configuration, say};
use crate::codex;

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    file: ConfigFile,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Read the base instructions of the installed Codex, for the catalog of foreign models
    Sync {
        /// The program
        #[arg(long, value_name = "FILE", default_value = "codex")]
        codex: String,
    },
}

pub(super) async fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let snapshot = match configuration(&options.file) {
        Ok(snapshot) => snapshot,
        Err(code) => return Ok(code),
    };
    let Action::Sync { codex: program } = &options.action;
    crate::private_file::create_dir(&snapshot.home)?;
    let synced = codex::sync(&snapshot.home, program).await?;
    say(format_args!(
        "took over the instructions of Codex {} ({} characters)",
        synced.version, synced.characters
    ));
    Ok(ExitCode::SUCCESS)
}
