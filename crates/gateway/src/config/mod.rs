//! The user's settings: one TOML file and the provider records beside it, read as a whole into an
//! immutable [`Snapshot`], with every problem as a [`Diagnostic`]. It opens no socket and knows no
//! request. Start with [`Snapshot::load`]; [`Live`] keeps the snapshot that is in force.

mod alias;
mod files;
mod found;
mod live;
mod provider;
mod read;
mod read_aliases;
mod read_names;
mod read_providers;
mod sections;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use alias::{Alias, Fallback, Place, Settings, Verbosity};
pub use files::home;
pub use live::{Live, Reload, SharedEnvironment, Standing};
pub use provider::{Origin, Provider};

use crate::catalog::Environment;
pub use crate::document::{Diagnostic, Severity};

/// The provider that is always there and answers offline.
pub const BUILT_IN: &str = "quire";
/// Its one model.
pub const DEMO: &str = "demo";

/// Everything that the configuration says, checked and resolved. Never changed, only replaced.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The file it was read from; none if there is no configuration yet.
    pub file: Option<PathBuf>,
    /// `$QUIRE_HOME`: where state and the user's own provider records are.
    pub home: PathBuf,
    pub server: Server,
    pub upstream: Upstream,
    pub store: Store,
    pub log: Log,
    pub codex: Codex,
    /// For requests without a model. Never for unknown names.
    pub default_model: Option<String>,
    pub(crate) providers: Vec<Arc<Provider>>,
    pub(crate) aliases: Vec<Alias>,
    pub(crate) fallbacks: Vec<Fallback>,
}

/// `[server]`. A change of `listen` needs a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    pub listen: SocketAddr,
    /// Limit of a request's body, after decompression.
    pub max_body_bytes: usize,
    /// How often a client may send the same body again, each time after its answer, within ten
    /// seconds; 0 for ever.
    pub repeat_limit: usize,
    /// How long a client may take to send its request's head.
    pub head_timeout: Duration,
    /// How long a stream may be silent before the client gets a sign of life.
    pub keep_alive: Duration,
    /// Names under which quire may be called, beside loopback.
    pub allowed_hosts: Vec<String>,
    /// Where `listen` stands in the file.
    listen_at: (usize, usize),
}

/// `[upstream]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upstream {
    pub connect_timeout: Duration,
    /// How long a provider may be silent, before its answer begins and within it.
    pub idle_timeout: Duration,
}

/// `[store]`. A change needs a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Store {
    pub responses: Responses,
}

/// Where stored responses live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Responses {
    Memory,
    Disk,
    Off,
}

/// `[log]`: the request log, which never holds content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    pub enabled: bool,
    pub retention: Duration,
    pub max_rows: u64,
}

/// `[codex]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Codex {
    /// Instead of the instructions of the user's own Codex.
    pub base_instructions: Option<String>,
}

impl Snapshot {
    /// Reads `path`, or `config.toml` in the home folder; without such a file the defaults hold.
    ///
    /// # Errors
    /// All diagnostics, if one of them is an error.
    pub fn load(
        path: Option<&Path>,
        env: &Environment<'_>,
    ) -> Result<(Self, Vec<Diagnostic>), Vec<Diagnostic>> {
        let files = files::Files::read(path, env)?;
        Self::of(&files, env)
    }

    /// Every provider, the configured ones first.
    pub fn providers(&self) -> &[Arc<Provider>] {
        &self.providers
    }

    /// The provider with this name. A record's id or synonym also names the one provider that is
    /// made from it.
    pub fn provider(&self, name: &str) -> Option<&Arc<Provider>> {
        provider::named(&self.providers, name)
    }

    /// All aliases: exact names as written, then patterns, the more exact one first.
    pub fn aliases(&self) -> &[Alias] {
        &self.aliases
    }

    pub fn fallbacks(&self) -> &[Fallback] {
        &self.fallbacks
    }

    /// What is wrong with listening on `listen`, if anything: an address that others can reach
    /// needs client keys.
    pub fn exposed(&self, listen: SocketAddr, has_keys: bool) -> Option<Diagnostic> {
        if has_keys || listen.ip().to_canonical().is_loopback() {
            return None;
        }
        let (line, column) =
            if listen == self.server.listen { self.server.listen_at } else { (0, 0) };
        Some(Diagnostic {
            severity: Severity::Error,
            file: self.file.clone().unwrap_or_default(),
            line,
            column,
            path: "server.listen".to_owned(),
            message: format!("`{listen}` can be reached by others, and there is no client key"),
            hint: Some(
                "add one with `quire key add NAME`, or listen on `127.0.0.1:8484`".to_owned(),
            ),
        })
    }
}

#[cfg(test)]
mod tests;
