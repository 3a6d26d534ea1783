//! `quire key`: client keys. A running gateway takes changes over within seconds.

use std::process::ExitCode;

use super::{ConfigFile, configuration, open_store, printable, say};
use crate::store::KeyError;

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    file: ConfigFile,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make a key; it is shown this once
    Add {
        /// Who or what it is for
        name: String,
    },
    /// List the keys
    List {
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Revoke a key
    Revoke {
        /// Its name or id
        name: String,
    },
}

pub(super) async fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let snapshot = match configuration(&options.file) {
        Ok(snapshot) => snapshot,
        Err(code) => return Ok(code),
    };
    crate::private_file::create_dir(&snapshot.home)?;
    let store = open_store(&snapshot).await?;
    let keys = store.keys();
    let done: Result<(), KeyError> = match &options.action {
        Action::Add { name } => keys.add(name).await.map(|key| {
            say(key.expose());
            eprintln!(
                "this key for `{}` is not shown again; from now on every client needs one",
                printable(&key.name)
            );
        }),
        Action::Revoke { name } => match keys.revoke(name).await {
            Ok(key) => {
                say(format_args!("revoked `{}`", printable(&key.name)));
                if !keys.any().await? {
                    eprintln!("that was the last key: on loopback every client is admitted again");
                }
                Ok(())
            }
            Err(error) => Err(error),
        },
        Action::List { json } => {
            for key in keys.list().await? {
                let state = if key.revoked_ms.is_some() { "revoked" } else { "valid" };
                match json {
                    true => say(
                        serde_json::json!({"id": key.id, "name": key.name, "state": state, "created_ms": key.created_ms, "last_used_ms": key.last_used_ms, "revoked_ms": key.revoked_ms}),
                    ),
                    false => say(format_args!("{}  {state:<7}  {}", key.id, printable(&key.name))),
                }
            }
            Ok(())
        }
    };
    store.close().await;
    match done {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => {
            eprintln!("quire: {error}");
            Ok(ExitCode::from(1))
        }
    }
}
