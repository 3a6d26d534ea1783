//! Claude Code: its settings, one run of it, and what it printed.
//!
//! Facts of version 2.1.329 that shape this module: the base URL is the root, without `/v1`; as root
//! it skips permissions only in what it takes for a sandbox; it tries ten times unless told otherwise,
//! which outlasts a test, and each time waits twice as long; a 400 or 422 that it does not understand
//! costs up to six requests within a second, because it leaves out one beta after the other.

mod outcome;
mod setup;

use std::time::Duration;

pub use outcome::Outcome;
pub use setup::Setup;

use serde_json::json;

use crate::room::Room;
use crate::scene::Hands;
use crate::{install, process};

/// The version that `clients/package.json` pins.
pub const VERSION: &str = "2.1.329";

/// How a model acts through Claude Code. A file is edited only after it was written or read.
pub const HANDS: Hands = Hands {
    shell: |command| ("Bash", json!({"command": command, "description": "Do it"})),
    write: |file, content| ("Write", json!({"file_path": file, "content": content})),
    edit: |file, old, new| {
        ("Edit", json!({"file_path": file, "old_string": old, "new_string": new}))
    },
    is_aside: |_| false,
};

const LIMIT: Duration = Duration::from_secs(60);

/// One `claude` command, to be run in a room.
#[derive(Debug)]
pub struct Run<'a> {
    room: &'a Room,
    arguments: Vec<String>,
    limit: Duration,
}

impl<'a> Run<'a> {
    /// `claude -p PROMPT`, with every permission and every event printed: the room is the sandbox.
    pub fn print(room: &'a Room, prompt: &str) -> Run<'a> {
        let arguments = [
            "-p",
            prompt,
            "--output-format",
            "stream-json",
            "--verbose",
            "--dangerously-skip-permissions",
        ];
        Run { room, arguments: arguments.map(str::to_owned).into(), limit: LIMIT }
    }

    /// The same with nothing printed but the result (`--output-format json`).
    pub fn result_only(room: &'a Room, prompt: &str) -> Run<'a> {
        let arguments = ["-p", prompt, "--output-format", "json", "--dangerously-skip-permissions"];
        Run { room, arguments: arguments.map(str::to_owned).into(), limit: LIMIT }
    }

    /// Goes on with an earlier session.
    pub fn resume(self, session: &str) -> Run<'a> {
        self.with("--resume", session)
    }

    /// Adds an option: `--model MODEL`, `--append-system-prompt TEXT`, `--mcp-config FILE`.
    pub fn with(mut self, name: &str, value: impl ToString) -> Run<'a> {
        self.arguments.extend([name.to_owned(), value.to_string()]);
        self
    }

    /// The time after which Claude Code is killed.
    pub fn limit(mut self, limit: Duration) -> Run<'a> {
        self.limit = limit;
        self
    }

    pub async fn run(self) -> Outcome {
        let mut command = process::command(&install::claude());
        command
            .args(&self.arguments)
            .env("HOME", self.room.home())
            .env("TMPDIR", self.room.temporary())
            .env("IS_SANDBOX", "1")
            .current_dir(self.room.workspace());
        Outcome::read(process::run(command, self.limit).await)
    }
}
