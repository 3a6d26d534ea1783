//! The official SDKs of OpenAI and Anthropic, in Python and JavaScript. A program of `clients/sdk`
//! makes the calls as the SDK's documentation shows them and prints what its user would see; this
//! module starts it and reads that. What should have been seen is the tests' to say.

mod told;

use std::path::PathBuf;
use std::time::Duration;

pub use told::{Answer, Failure, Request, Told};

use testkit::canary;

use crate::room::Room;
use crate::{install, process};

/// Python and Node.js start slowly on a busy machine; the calls themselves take little.
const LIMIT: Duration = Duration::from_secs(60);

/// An SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sdk {
    OpenAiPython,
    OpenAiJs,
    AnthropicPython,
    AnthropicJs,
}

impl Sdk {
    /// Every SDK.
    pub const ALL: [Sdk; 4] =
        [Sdk::OpenAiPython, Sdk::OpenAiJs, Sdk::AnthropicPython, Sdk::AnthropicJs];

    /// The name, as in a test's messages.
    pub fn name(self) -> &'static str {
        match self {
            Sdk::OpenAiPython => "openai-python",
            Sdk::OpenAiJs => "openai-js",
            Sdk::AnthropicPython => "anthropic-python",
            Sdk::AnthropicJs => "anthropic-js",
        }
    }

    /// What its user gives it as base URL, for a server at `http://HOST:PORT`.
    pub fn base_url(self, address: &str) -> String {
        match self {
            Sdk::OpenAiPython | Sdk::OpenAiJs => format!("{address}/v1"),
            Sdk::AnthropicPython | Sdk::AnthropicJs => address.to_owned(),
        }
    }

    fn command(self) -> tokio::process::Command {
        let programs = install::root().join("clients/sdk");
        let (runtime, program) = match self {
            Sdk::OpenAiPython => (install::python(), "openai_calls.py"),
            Sdk::OpenAiJs => (install::node22(), "openai-calls.mjs"),
            Sdk::AnthropicPython => (install::python(), "anthropic_calls.py"),
            Sdk::AnthropicJs => (install::node22(), "anthropic-calls.mjs"),
        };
        let mut command = process::command(&runtime);
        command
            .arg(programs.join(program))
            .env("NODE_PATH", modules())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONUTF8", "1");
        command
    }
}

fn modules() -> PathBuf {
    install::folder().join("node_modules")
}

/// Some calls of one SDK, to be made one after the other by one process.
#[derive(Clone, Debug)]
pub struct Calls {
    sdk: Sdk,
    model: String,
    key: String,
    retries: u32,
    calls: Vec<String>,
}

impl Calls {
    /// The calls `NAME:MODE` of a program of `clients/sdk`, which lists them, without retries.
    pub fn of(sdk: Sdk, calls: impl IntoIterator<Item = impl Into<String>>) -> Calls {
        let calls = calls.into_iter().map(Into::into).collect();
        let (model, key) = ("lab/mock-model".to_owned(), canary::CLIENT_KEY.to_owned());
        Calls { sdk, model, key, retries: 0, calls }
    }

    /// Another model than the lab's.
    #[must_use]
    pub fn model(mut self, model: &str) -> Calls {
        model.clone_into(&mut self.model);
        self
    }

    /// Another key than the client's.
    #[must_use]
    pub fn key(mut self, key: &str) -> Calls {
        key.clone_into(&mut self.key);
        self
    }

    /// How often the SDK itself may try again; by default its users have 2.
    #[must_use]
    pub fn retries(mut self, retries: u32) -> Calls {
        self.retries = retries;
        self
    }

    /// Makes the calls to a server at `http://HOST:PORT`.
    ///
    /// # Panics
    /// When the program did not tell of every call.
    pub async fn to(&self, room: &Room, address: &str) -> Vec<Told> {
        let mut command = self.sdk.command();
        command
            .current_dir(room.workspace())
            .env("HOME", room.home())
            .arg(self.sdk.base_url(address))
            .args([&self.key, &self.model, &self.retries.to_string()])
            .args(&self.calls);
        let finished = process::run(command, LIMIT).await;
        let told: Vec<Told> = finished.stdout.lines().filter_map(Told::read).collect();
        assert_eq!(
            told.len(),
            self.calls.len(),
            "{} did not tell of every call: {finished:#?}",
            self.sdk.name()
        );
        told
    }
}
