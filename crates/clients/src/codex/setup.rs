//! Codex's `config.toml`: a few choices, written as a user would write them.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use testkit::canary;

use super::KEY_VARIABLE;
use crate::room::Room;

/// With what Codex identifies itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    /// The key in the environment.
    Environment,
    /// A ChatGPT login, which Codex sends to any address that the provider names.
    Login,
}

/// What a test chooses; [`Setup::write`] makes the file of it.
#[derive(Clone, Debug)]
pub struct Setup {
    model: String,
    provider_name: String,
    key: Key,
    catalog: bool,
    retries: bool,
    top: String,
    tables: String,
}

impl Setup {
    /// The block of the README, without a catalog, and with failures that end at once.
    pub fn new(model: &str) -> Setup {
        Setup {
            model: model.to_owned(),
            provider_name: "quire".to_owned(),
            key: Key::Environment,
            catalog: false,
            retries: false,
            top: String::new(),
            tables: String::new(),
        }
    }

    /// Makes Codex fetch the gateway's catalog, which then replaces the bundled one.
    pub fn catalog(mut self) -> Setup {
        self.catalog = true;
        self
    }

    /// Another name of the provider. `OpenAI` switches on inline compaction.
    pub fn provider_name(mut self, name: &str) -> Setup {
        self.provider_name = name.to_owned();
        self
    }

    /// Uses a made-up ChatGPT login instead of a key. Whatever Codex then asks of ChatGPT itself
    /// goes to `chatgpt`.
    pub fn login(mut self, chatgpt: &str) -> Setup {
        self.key = Key::Login;
        self.line(&format!("chatgpt_base_url = \"{chatgpt}\""))
    }

    /// Leaves Codex's own retries on.
    pub fn retries(mut self) -> Setup {
        self.retries = true;
        self
    }

    /// Adds a line above the tables, such as `model_context_window = 1000`.
    pub fn line(mut self, line: &str) -> Setup {
        self.top.push_str(line);
        self.top.push('\n');
        self
    }

    /// Adds tables at the end.
    pub fn table(mut self, table: &str) -> Setup {
        self.tables.push_str(table);
        self.tables.push('\n');
        self
    }

    /// Adds the toy MCP server under the name `toy`.
    pub fn toy_mcp(self) -> Setup {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/toy-mcp.mjs");
        self.table(&format!("[mcp_servers.toy]\ncommand = \"node\"\nargs = [{script:?}]"))
    }

    /// Writes `config.toml` for a gateway at `base_url`, which ends in `/v1`.
    pub fn write(&self, room: &Room, base_url: &str) {
        let Setup { model, provider_name, top, tables, .. } = self;
        let catalog = if self.catalog {
            format!("model_catalog_url = \"{base_url}/models\"\n")
        } else {
            String::new()
        };
        let retries =
            if self.retries { "" } else { "request_max_retries = 0\nstream_max_retries = 0\n" };
        let key = match self.key {
            Key::Environment => format!("env_key = \"{KEY_VARIABLE}\"\n"),
            Key::Login => {
                let file = room.codex_home().join("auth.json");
                fs::write(file, login().to_string()).expect("the room is writable");
                "requires_openai_auth = true\n".to_owned()
            }
        };
        write(
            room,
            &format!(
                "model = \"{model}\"\nmodel_provider = \"quire\"\n{top}\n\
                 [model_providers.quire]\nname = \"{provider_name}\"\nbase_url = \"{base_url}\"\n\
                 wire_api = \"responses\"\n{key}\
                 supports_websockets = false\n{catalog}{retries}\n\
                 [features]\nunbounded_connection_retries = false\n\n{tables}"
            ),
        );
    }
}

/// Writes a whole `config.toml` as it is.
pub fn write(room: &Room, text: &str) {
    fs::write(room.codex_home().join("config.toml"), text).expect("the room is writable");
}

/// The `auth.json` of a login: unsigned tokens with the claims that Codex reads.
fn login() -> Value {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({
        "exp": 4_102_444_800_u64,
        "email": "someone@example.invalid",
        "https://api.openai.com/auth": {
            "chatgpt_account_id": ACCOUNT, "chatgpt_plan_type": "plus", "chatgpt_user_id": "user",
        },
    });
    let token = format!("{}.{}.{}", part(json!({"alg": "none"})), part(claims), canary::MARK);
    json!({
        "auth_mode": "chatgpt",
        "OPENAI_API_KEY": null,
        "tokens": {"id_token": token, "access_token": token,
            "refresh_token": canary::REFRESH_TOKEN, "account_id": ACCOUNT},
        // Far ahead, so that no refresh is tried.
        "last_refresh": "2099-01-01T00:00:00Z",
    })
}

/// An account id, marked as the secrets are.
const ACCOUNT: &str = "acct-qCANARYq-5d1e";
