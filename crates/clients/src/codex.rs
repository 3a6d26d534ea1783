//! Codex CLI: its configuration, one run of it, what it printed, and a session over its app-server.
//!
//! Facts of version 0.169.0 that shape this module: `exec` reads stdin when it is open; a refused
//! connection is retried for ever unless a feature is off; failures are printed as `error` events
//! and as items of type `error`, and only the first kind changes the exit code.

mod app_server;
mod outcome;
mod setup;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use app_server::AppServer;
pub use outcome::Outcome;
pub use setup::{Setup, write as write_config};

use serde_json::{Value, json};
use testkit::canary;

use crate::room::Room;
use crate::scene::Hands;
use crate::{install, process};

/// The version that `clients/package.json` pins.
pub const VERSION: &str = "0.169.0";

/// The variable that holds the client's key; the configuration names it as `env_key`.
pub const KEY_VARIABLE: &str = "QUIRE_API_KEY";

/// How a model acts through Codex.
pub const HANDS: Hands = Hands {
    shell: |command| ("exec_command", json!({"cmd": command})),
    write: |file, content| {
        let lines: String = content.lines().map(|line| format!("+{line}\n")).collect();
        patch(file, "Add File", &lines)
    },
    edit: |file, old, new| patch(file, "Update File", &format!("@@\n-{old}\n+{new}\n")),
    is_aside: |_| false,
};

/// A call of the freeform tool, with its text as the one member of a function's arguments.
fn patch(file: &Path, action: &str, hunk: &str) -> (&'static str, Value) {
    let file = file.file_name().unwrap_or_default().to_string_lossy();
    let input = format!("*** Begin Patch\n*** {action}: {file}\n{hunk}*** End Patch\n");
    ("apply_patch", json!({ "input": input }))
}

const LIMIT: Duration = Duration::from_secs(60);

/// One `codex` command, to be run in a room.
#[derive(Debug)]
pub struct Run<'a> {
    room: &'a Room,
    arguments: Vec<String>,
    limit: Duration,
}

impl<'a> Run<'a> {
    /// `codex exec PROMPT`, with every permission: the room is the sandbox.
    pub fn exec(room: &'a Room, prompt: &str) -> Run<'a> {
        Run::in_exec(room, &["-C", &room.workspace().to_string_lossy(), prompt])
    }

    /// `codex exec resume THREAD PROMPT`.
    pub fn resume(room: &'a Room, thread: &str, prompt: &str) -> Run<'a> {
        Run::in_exec(room, &["resume", thread, prompt])
    }

    /// `codex exec review INSTRUCTIONS`.
    pub fn review(room: &'a Room, instructions: &str) -> Run<'a> {
        Run::in_exec(room, &["review", instructions])
    }

    fn in_exec(room: &'a Room, rest: &[&str]) -> Run<'a> {
        let fixed = [
            "exec",
            "--skip-git-repo-check",
            "--dangerously-bypass-approvals-and-sandbox",
            "--json",
        ];
        let arguments = fixed.iter().chain(rest).map(ToString::to_string).collect();
        Run { room, arguments, limit: LIMIT }
    }

    /// Adds an argument to `exec`, before the prompt: `-i FILE`, `--output-schema FILE`, `-m MODEL`.
    pub fn with(mut self, name: &str, value: impl ToString) -> Run<'a> {
        // `-i` takes a list: the equals sign keeps the prompt out of it.
        self.arguments.insert(1, format!("{name}={}", value.to_string()));
        self
    }

    /// The time after which Codex is killed.
    pub fn limit(mut self, limit: Duration) -> Run<'a> {
        self.limit = limit;
        self
    }

    pub async fn run(self) -> Outcome {
        let mut command = command(self.room);
        command.args(&self.arguments);
        Outcome::read(process::run(command, self.limit).await)
    }
}

/// The models that `codex debug models` prints: the bundled ones, or the catalog that it fetched.
pub async fn models(room: &Room) -> Value {
    let mut command = command(room);
    command.args(["debug", "models"]);
    let finished = process::run(command, LIMIT).await;
    assert_eq!(finished.code, Some(0), "`codex debug models` failed: {}", finished.stderr);
    serde_json::from_str(&finished.stdout).expect("`codex debug models` prints JSON")
}

/// Codex with nothing of this machine but `PATH`.
fn command(room: &Room) -> tokio::process::Command {
    let mut command = process::command(&install::codex());
    command
        .env("HOME", room.home())
        .env("CODEX_HOME", room.codex_home())
        .env(KEY_VARIABLE, canary::CLIENT_KEY)
        .current_dir(room.workspace());
    command
}

/// A folder whose programs shadow those of the machine, for commands that look for `codex` in PATH.
pub fn bin_folder() -> PathBuf {
    let mut folder = install::codex();
    folder.pop();
    folder
}
