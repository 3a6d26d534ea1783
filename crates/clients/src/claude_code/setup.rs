//! Claude Code's `settings.json`: a few choices, written as a user would write them.

use std::fs;

use serde_json::{Map, Value, json};
use testkit::canary;

use crate::room::Room;

/// What a test chooses; [`Setup::write`] makes the file of it.
#[derive(Clone, Debug)]
pub struct Setup {
    model: String,
    environment: Map<String, Value>,
}

impl Setup {
    /// A gateway with a bearer token, and nothing asked of the vendor besides.
    pub fn new(model: &str) -> Setup {
        let setup = Setup { model: model.to_owned(), environment: Map::new() };
        setup
            .variable("ANTHROPIC_AUTH_TOKEN", canary::CLIENT_KEY)
            .variable("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
    }

    /// Sends the key as `x-api-key` instead of as a bearer token.
    pub fn api_key(mut self) -> Setup {
        self.environment.remove("ANTHROPIC_AUTH_TOKEN");
        self.variable("ANTHROPIC_API_KEY", canary::CLIENT_KEY)
    }

    /// Adds an environment variable, such as `CLAUDE_CODE_MAX_RETRIES`.
    pub fn variable(mut self, name: &str, value: impl ToString) -> Setup {
        self.environment.insert(name.to_owned(), Value::String(value.to_string()));
        self
    }

    /// How many times a failed request is tried again.
    pub fn retries(self, count: u32) -> Setup {
        self.variable("CLAUDE_CODE_MAX_RETRIES", count)
    }

    /// Writes the settings for a gateway at `root_url`, which does not end in `/v1`.
    pub fn write(&self, room: &Room, root_url: &str) {
        let folder = room.home().join(".claude");
        let setup = self.clone().variable("ANTHROPIC_BASE_URL", root_url);
        let settings = json!({"model": setup.model, "env": setup.environment});
        fs::create_dir_all(&folder).expect("the room is writable");
        fs::write(folder.join("settings.json"), settings.to_string())
            .expect("the room is writable");
    }
}
