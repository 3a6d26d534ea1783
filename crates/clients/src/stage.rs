//! A room, a scripted upstream, and the gateway between it and the client. [`Stage::leave`] asserts
//! what must hold after every scene: nothing was refused, the script was played to its end, and no
//! secret stands in what the gateway printed or wrote.

use std::path::Path;

use serde_json::Value;
use testkit::canary;
use testkit::script::Script;
use testkit::upstream::Upstream;

use crate::quire::Quire;
use crate::room::Room;

#[derive(Debug)]
pub struct Stage {
    pub room: Room,
    pub upstream: Upstream,
    pub quire: Quire,
}

impl Stage {
    /// The usual stage: one provider `lab` with one model, and the alias `gpt-5.5` for it.
    pub async fn set(name: &str, script: impl Into<Script>) -> Stage {
        Stage::with(name, script, |upstream| lab(upstream, "")).await
    }

    /// A stage whose configuration is made from the upstream's base URL.
    pub async fn with(
        name: &str,
        script: impl Into<Script>,
        config: impl FnOnce(&str) -> String,
    ) -> Stage {
        let room = Room::fresh(name);
        let upstream = Upstream::start(script).await;
        let config = config(&format!("{}/v1", upstream.url()));
        let quire = Quire::serve(&room, &config).await;
        Stage { room, upstream, quire }
    }

    /// The bodies of the requests that reached the upstream.
    pub fn sent(&self) -> Vec<Value> {
        self.upstream.requests().into_iter().map(|request| request.body).collect()
    }

    /// Ends the scene with the assertions that hold for every one.
    #[track_caller]
    pub fn leave(self) {
        self.upstream.assert_clean();
        canary::assert_no_secret("what quire printed", self.quire.output());
        for file in files(&self.room.quire_home()) {
            let content = std::fs::read(&file).unwrap_or_default();
            canary::assert_no_secret(&file.display().to_string(), content);
        }
        for request in self.upstream.requests() {
            let headers = format!("{:?}", request.headers);
            assert!(!headers.contains(canary::CLIENT_KEY), "the client's key was forwarded");
        }
    }
}

/// The configuration of the usual stage, with more at its end.
pub fn lab(upstream: &str, more: &str) -> String {
    let key = canary::API_KEY;
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n\n\
         [providers.lab]\ndialect = \"chat\"\nbase_url = \"{upstream}\"\napi_key = \"{key}\"\n\
         models = [\"mock-model\"]\n\n\
         [aliases]\n\"gpt-5.5\" = \"lab/mock-model\"\n\n{more}"
    )
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| match entry.path() {
            path if path.is_dir() => files(&path),
            path => vec![path],
        })
        .collect()
}
