//! Codex's `config.toml`: a few choices, written as a user would write them.

use std::fs;

use super::KEY_VARIABLE;
use crate::room::Room;

/// What a test chooses; [`Setup::write`] makes the file of it.
#[derive(Clone, Debug)]
pub struct Setup {
    model: String,
    provider_name: String,
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
        write(
            room,
            &format!(
                "model = \"{model}\"\nmodel_provider = \"quire\"\n{top}\n\
                 [model_providers.quire]\nname = \"{provider_name}\"\nbase_url = \"{base_url}\"\n\
                 wire_api = \"responses\"\nenv_key = \"{KEY_VARIABLE}\"\n\
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
