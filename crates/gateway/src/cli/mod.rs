//! The commands of `quire`. Exit codes: 0 done, 1 the answer is no (a broken configuration, an
//! unknown key), 2 wrong usage, 3 it could not be done.

#![expect(clippy::print_stderr, reason = "commands talk to people")]

mod check;
mod codex;
mod key;
mod logs;
mod serve;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Diagnostic, Snapshot};
use crate::document::has_errors;
use crate::store::Store;

/// A local-first gateway between coding agents and models.
#[derive(Debug, Parser)]
#[command(name = "quire", version, about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway
    Serve(serve::Options),
    /// Say whether the configuration is right, and if not what, where, and how to mend it
    Check(check::Options),
    /// Make, list and revoke client keys
    Key(key::Options),
    /// Show the request log
    Logs(logs::Options),
    /// What concerns OpenAI Codex
    Codex(codex::Options),
}

/// Where the configuration is.
#[derive(Debug, clap::Args)]
struct ConfigFile {
    /// The configuration file [default: $QUIRE_HOME/config.toml]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs the command line.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("quire: the runtime did not start: {error}");
            return ExitCode::from(3);
        }
    };
    let done = runtime.block_on(async {
        match arguments.command {
            Command::Serve(options) => serve::run(options).await,
            Command::Check(options) => check::run(&options).await,
            Command::Key(options) => key::run(&options).await,
            Command::Logs(options) => logs::run(&options).await,
            Command::Codex(options) => codex::run(&options).await,
        }
    });
    // Nothing that is still waiting, such as a name look-up, may hold up the end.
    runtime.shutdown_background();
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("quire: {error:#}");
            ExitCode::from(3)
        }
    }
}

/// Prints a line. A reader that has left, as `head` does, wants no more of them.
fn say(line: impl std::fmt::Display) {
    if writeln!(std::io::stdout().lock(), "{line}").is_err() {
        std::process::exit(0);
    }
}

/// The process's environment.
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Prints diagnostics, and whether one of them is an error.
fn report(found: &[Diagnostic]) -> bool {
    for diagnostic in found {
        eprintln!("{diagnostic}");
    }
    has_errors(found)
}

/// Reads the configuration; prints what is wrong with it.
fn configuration(file: &ConfigFile) -> Result<Snapshot, ExitCode> {
    match Snapshot::load(file.config.as_deref(), &environment) {
        Ok((snapshot, _)) => Ok(snapshot),
        Err(found) => {
            report(&found);
            Err(ExitCode::from(1))
        }
    }
}

/// Opens the database of `$QUIRE_HOME`.
async fn open_store(snapshot: &Snapshot) -> anyhow::Result<Store> {
    Ok(Store::open(&snapshot.home.join("quire.db")).await?)
}

/// Text that came from outside, without what would move the cursor or ring the bell.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn outside_text_cannot_move_the_cursor() {
        assert_eq!(printable("a\u{1b}[2Jb\n"), "a\u{fffd}[2Jb\u{fffd}");
    }
}
