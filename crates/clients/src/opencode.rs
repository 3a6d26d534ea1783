//! OpenCode: its configuration, one run of it, and what it printed.
//!
//! Facts of version 1.18.33 that shape this module: each of three provider packages speaks another
//! dialect, all of them are part of the program; the first turn of a session asks for a title
//! beside the conversation, at the same time; a start takes some seconds of processor time, so one
//! run tries many things.

mod outcome;
mod setup;

use std::time::Duration;

pub use outcome::Outcome;
pub use setup::{Package, Setup};

use serde_json::json;

use crate::room::Room;
use crate::scene::Hands;
use crate::{install, process};

/// The version that `clients/package.json` pins.
pub const VERSION: &str = "1.18.33";

/// How a model acts through OpenCode. A file is edited only after it was written or read.
pub const HANDS: Hands = Hands {
    shell: |command| ("bash", json!({"command": command, "description": "Do it"})),
    write: |file, content| ("write", json!({"filePath": file, "content": content})),
    edit: |file, old, new| ("edit", json!({"filePath": file, "oldString": old, "newString": new})),
    is_aside: |request| request.contains("You are a title generator"),
};

const LIMIT: Duration = Duration::from_secs(90);

/// One `opencode run`, in a room.
#[derive(Debug)]
pub struct Run<'a> {
    room: &'a Room,
    arguments: Vec<String>,
    limit: Duration,
}

impl<'a> Run<'a> {
    /// `opencode run PROMPT`, with every event printed.
    pub fn new(room: &'a Room, prompt: &str) -> Run<'a> {
        let arguments = ["run", prompt, "--format", "json", "--thinking"];
        Run { room, arguments: arguments.map(str::to_owned).into(), limit: LIMIT }
    }

    /// Goes on with an earlier session.
    pub fn resume(self, session: &str) -> Run<'a> {
        self.with("--session", session)
    }

    /// Adds an option: `--file FILE`, `--variant EFFORT`, `--agent NAME`.
    pub fn with(mut self, name: &str, value: impl ToString) -> Run<'a> {
        // `--file` takes all that follows, so the prompt stands before it.
        self.arguments.extend([name.to_owned(), value.to_string()]);
        self
    }

    /// The time after which OpenCode is killed.
    pub fn limit(mut self, limit: Duration) -> Run<'a> {
        self.limit = limit;
        self
    }

    pub async fn run(self) -> Outcome {
        let mut command = process::command(&install::opencode());
        command
            .args(&self.arguments)
            .env("HOME", self.room.home())
            .env("TMPDIR", self.room.temporary())
            .env("OPENCODE_DISABLE_MODELS_FETCH", "1")
            .env("OPENCODE_DISABLE_AUTOUPDATE", "1")
            .current_dir(self.room.workspace());
        Outcome::read(process::run(command, self.limit).await)
    }
}
