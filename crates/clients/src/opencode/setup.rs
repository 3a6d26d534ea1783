//! OpenCode's `opencode.json`: one provider with one model, written as a user would write it.

use std::fs;

use serde_json::{Value, json};
use testkit::{Dialect, canary};

use crate::room::Room;

/// The provider packages that OpenCode brings along, by what they speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Package {
    /// `@ai-sdk/openai-compatible`
    Compatible,
    /// `@ai-sdk/openai`
    OpenAi,
    /// `@ai-sdk/anthropic`
    Anthropic,
}

impl Package {
    pub const ALL: [Package; 3] = [Package::Compatible, Package::OpenAi, Package::Anthropic];

    /// The name at npm.
    pub fn name(self) -> &'static str {
        match self {
            Package::Compatible => "@ai-sdk/openai-compatible",
            Package::OpenAi => "@ai-sdk/openai",
            Package::Anthropic => "@ai-sdk/anthropic",
        }
    }

    /// What it speaks.
    pub fn dialect(self) -> Dialect {
        match self {
            Package::Compatible => Dialect::Chat,
            Package::OpenAi => Dialect::Responses,
            Package::Anthropic => Dialect::Messages,
        }
    }
}

/// What a test chooses; [`Setup::write`] makes the file of it.
#[derive(Clone, Debug)]
pub struct Setup {
    package: Package,
    model: String,
    details: Value,
}

impl Setup {
    /// A model that reasons, sees images and calls tools, through this package. What asks for
    /// thoughts, and for a summary of them, has another name in each.
    pub fn new(package: Package, model: &str) -> Setup {
        let options = match package {
            Package::Compatible => json!({"reasoningEffort": "medium"}),
            Package::OpenAi => json!({"reasoningEffort": "medium", "reasoningSummary": "auto"}),
            Package::Anthropic => json!({"thinking": {"type": "enabled", "budgetTokens": 4000}}),
        };
        let details = json!({
            "options": options,
            "reasoning": true,
            "attachment": true,
            "tool_call": true,
            "modalities": {"input": ["text", "image"], "output": ["text"]},
            "limit": {"context": 200_000, "output": 32_000},
        });
        Setup { package, model: model.to_owned(), details }
    }

    /// Sets a member of the model's record, such as `options`.
    pub fn detail(mut self, name: &str, value: Value) -> Setup {
        self.details[name] = value;
        self
    }

    /// Writes the configuration for a gateway at `base_url`, which ends in `/v1`.
    pub fn write(&self, room: &Room, base_url: &str) {
        let options = json!({"baseURL": base_url, "apiKey": canary::CLIENT_KEY});
        let provider = json!({
            "npm": self.package.name(),
            "options": options,
            "models": {self.model.as_str(): self.details},
        });
        let configuration = json!({
            "model": format!("quire/{}", self.model),
            "provider": {"quire": provider},
            "permission": {"*": "allow"},
            "autoupdate": false,
            "share": "disabled",
        });
        let folder = room.home().join(".config/opencode");
        fs::create_dir_all(&folder).expect("the room is writable");
        fs::write(folder.join("opencode.json"), configuration.to_string())
            .expect("the room is writable");
    }
}
