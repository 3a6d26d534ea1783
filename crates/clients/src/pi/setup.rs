//! Pi's `models.json` and `settings.json`, written as a user would write them.

use std::fs;

use serde_json::{Value, json};
use testkit::{Dialect, canary};

use crate::room::Room;

/// How Pi talks to a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    Completions,
    Responses,
    Messages,
}

impl Api {
    /// Every one.
    pub const ALL: [Api; 3] = [Api::Completions, Api::Responses, Api::Messages];

    /// The dialect that it speaks.
    pub fn dialect(self) -> Dialect {
        match self {
            Api::Completions => Dialect::Chat,
            Api::Responses => Dialect::Responses,
            Api::Messages => Dialect::Messages,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Api::Completions => "openai-completions",
            Api::Responses => "openai-responses",
            Api::Messages => "anthropic-messages",
        }
    }

    /// For Messages it adds `/v1` itself.
    fn base_url(self, address: &str) -> String {
        match self {
            Api::Completions | Api::Responses => format!("{address}/v1"),
            Api::Messages => address.to_owned(),
        }
    }
}

/// What a test chooses; [`Setup::write`] makes the files of it.
#[derive(Clone, Debug)]
pub struct Setup {
    api: Api,
    model: String,
    reasoning: bool,
    compat: Value,
    retry: Value,
}

impl Setup {
    /// The lab's model, which thinks and sees, with failures that end at once.
    pub fn new(api: Api) -> Setup {
        let retry = json!({"enabled": false});
        let model = "lab/mock-model".to_owned();
        Setup { api, model, reasoning: true, compat: json!({}), retry }
    }

    /// Another model.
    #[must_use]
    pub fn model(mut self, model: &str) -> Setup {
        model.clone_into(&mut self.model);
        self
    }

    /// A model of which Pi does not know that it thinks, so that it does not ask for it.
    #[must_use]
    pub fn without_reasoning(mut self) -> Setup {
        self.reasoning = false;
        self
    }

    /// Tells Pi that the server knows no more of Chat Completions than all servers do: quire passes
    /// it as it is to a server that speaks it.
    #[must_use]
    pub fn plain(mut self) -> Setup {
        self.compat = json!({
            "supportsDeveloperRole": false,
            "supportsStore": false,
            "supportsReasoningEffort": false,
            "maxTokensField": "max_tokens",
        });
        self
    }

    /// Leaves Pi's own retries on, with short pauses.
    #[must_use]
    pub fn retries(mut self) -> Setup {
        self.retry = json!({"enabled": true, "baseDelayMs": 50});
        self
    }

    /// Writes the files for a gateway at `http://HOST:PORT`.
    pub fn write(&self, room: &Room, address: &str) {
        let model = json!({
            "id": self.model,
            "reasoning": self.reasoning,
            "input": ["text", "image"],
            "contextWindow": 200_000,
            "maxTokens": 8000,
            "compat": self.compat,
        });
        let models = json!({"providers": {"quire": {
            "baseUrl": self.api.base_url(address),
            "api": self.api.name(),
            "apiKey": canary::CLIENT_KEY,
            "models": [model],
        }}});
        let settings = json!({
            "retry": self.retry,
            "defaultProvider": "quire",
            "defaultModel": self.model,
        });
        let folder = room.home().join(".pi/agent");
        fs::create_dir_all(&folder).expect("the room is writable");
        for (name, content) in [("models.json", models), ("settings.json", settings)] {
            fs::write(folder.join(name), content.to_string()).expect("the room is writable");
        }
    }
}
