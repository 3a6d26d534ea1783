//! Pi: its configuration, one run of it, and what it printed.
//!
//! Facts of version 0.87.1 that shape this module: it needs Node.js 22; it prints every event as
//! JSON with `--mode json` and exits with 0 then, however the turn ended; it tries again what it
//! takes for passing, three times with doubled pauses, which a setting shortens.

mod outcome;
mod setup;

use std::time::Duration;

pub use outcome::Outcome;
pub use setup::{Api, Setup};

use serde_json::json;

use crate::room::Room;
use crate::scene::Hands;
use crate::{install, process};

/// The version that `clients/package.json` pins.
pub const VERSION: &str = "0.87.1";

/// How a model acts through Pi.
pub const HANDS: Hands = Hands {
    shell: |command| ("bash", json!({"command": command})),
    write: |file, content| ("write", json!({"path": file, "content": content})),
    edit: |file, old, new| {
        ("edit", json!({"path": file, "edits": [{"oldText": old, "newText": new}]}))
    },
    is_aside: |_| false,
};

const LIMIT: Duration = Duration::from_secs(60);

/// One `pi` command, to be run in a room.
#[derive(Debug)]
pub struct Run<'a> {
    room: &'a Room,
    arguments: Vec<String>,
    prompt: String,
    limit: Duration,
}

impl<'a> Run<'a> {
    /// `pi --mode json PROMPT`.
    pub fn new(room: &'a Room, prompt: &str) -> Run<'a> {
        let arguments = ["--mode", "json"].map(str::to_owned).into();
        Run { room, arguments, prompt: prompt.to_owned(), limit: LIMIT }
    }

    /// Goes on with the last session of the room.
    pub fn resume(mut self) -> Run<'a> {
        self.arguments.push("--continue".to_owned());
        self
    }

    /// Adds an option: `--thinking LEVEL`, `--append-system-prompt TEXT`.
    pub fn with(mut self, name: &str, value: impl ToString) -> Run<'a> {
        self.arguments.extend([name.to_owned(), value.to_string()]);
        self
    }

    /// Puts a file of the workspace into the prompt; a picture goes as a picture.
    pub fn file(mut self, name: &str) -> Run<'a> {
        self.arguments.push(format!("@{name}"));
        self
    }

    /// The time after which Pi is killed.
    pub fn limit(mut self, limit: Duration) -> Run<'a> {
        self.limit = limit;
        self
    }

    pub async fn run(self) -> Outcome {
        let mut command = process::command(&install::node22());
        command
            .arg(install::pi())
            .args(&self.arguments)
            .arg(&self.prompt)
            .env("HOME", self.room.home())
            .env("PI_OFFLINE", "1")
            .env("PI_SKIP_VERSION_CHECK", "1")
            .current_dir(self.room.workspace());
        Outcome::read(process::run(command, self.limit).await)
    }
}
