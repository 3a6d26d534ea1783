//! A room, a scripted upstream of any dialect, and the gateway between it and the client.
//! [`Stage::leave`] asserts what must hold after every scene: nothing was refused, the script was
//! played to its end, and no secret stands in what the gateway printed or wrote.

use std::path::{Path, PathBuf};

use serde_json::Value;
use testkit::script::Script;
use testkit::strict::Profile;
use testkit::upstream::Upstream;
use testkit::{Dialect, canary};

use crate::quire::Quire;
use crate::room::Room;
use crate::scene::{Actor, Hands, Scene};
use crate::sent::Sent;

#[derive(Debug)]
pub struct Stage {
    pub room: Room,
    pub upstream: Upstream,
    pub quire: Quire,
}

impl Stage {
    /// The usual stage: one provider `lab` with one model, and two of Codex's own names for it.
    pub async fn set(name: &str, script: impl Into<Script>) -> Stage {
        Stage::with(name, Profile::GenericStrict, script, lab).await
    }

    /// The same with a model that sees images and takes schemas.
    pub async fn able(name: &str, script: impl Into<Script>) -> Stage {
        let config = |upstream: &str| able(Dialect::Chat, upstream);
        Stage::with(name, Profile::GenericStrict, script, config).await
    }

    /// A stage whose upstream speaks this dialect, as strictly as any, with an able model.
    pub async fn speaking(dialect: Dialect, room: Room, script: impl Into<Script>) -> Stage {
        let config = |upstream: &str| able(dialect, upstream);
        Stage::in_room(room, Profile::strictest(dialect), script, config).await
    }

    /// The stage for a scene of the table, in front of an upstream that speaks this dialect.
    pub async fn for_scene(scene: &Scene, dialect: Dialect, hands: Hands) -> Stage {
        let room = Room::fresh(scene.name);
        let script = (scene.script)(&Actor::new(hands, &room).speaking(dialect));
        Stage::speaking(dialect, room, script).await
    }

    /// A stage with another kind of upstream and a configuration made from its base URL.
    pub async fn with(
        name: &str,
        profile: Profile,
        script: impl Into<Script>,
        config: impl FnOnce(&str) -> String,
    ) -> Stage {
        Stage::in_room(Room::fresh(name), profile, script, config).await
    }

    /// The same in a room that has seen something already.
    pub async fn in_room(
        room: Room,
        profile: Profile,
        script: impl Into<Script>,
        config: impl FnOnce(&str) -> String,
    ) -> Stage {
        let upstream = Upstream::with().profile(profile).key(canary::API_KEY).start(script).await;
        let quire = Quire::serve(&room, &config(&upstream.base_url())).await;
        Stage { room, upstream, quire }
    }

    /// The bodies of the requests for an answer that reached the upstream.
    pub fn sent(&self) -> Vec<Value> {
        self.upstream.bodies()
    }

    /// The requests of the conversation, in order: for an answer, and not beside it.
    pub fn conversation(&self, hands: Hands) -> Vec<Sent> {
        let requests = self.upstream.completions();
        requests.iter().filter(|request| !(hands.is_aside)(request)).map(Sent::from).collect()
    }

    /// Ends the scene with the assertions that hold for every one.
    #[track_caller]
    pub fn leave(self) {
        self.upstream.assert_done();
        canary::assert_no_secret("what quire printed", self.quire.output());
        for file in files(&self.room.quire_home()) {
            let content = std::fs::read(&file).unwrap_or_default();
            canary::assert_no_secret(&file.display().to_string(), content);
        }
        let bearer = format!("Bearer {}", canary::API_KEY);
        for request in self.upstream.requests() {
            for (name, value) in &request.headers.0 {
                let own = (name.eq_ignore_ascii_case("authorization") && *value == bearer)
                    || (name.eq_ignore_ascii_case("x-api-key") && value == canary::API_KEY);
                assert!(own || canary::find(value).is_none(), "`{name}` shows a secret: {value}");
            }
            for secret in [canary::CLIENT_KEY, canary::ACCESS_TOKEN, canary::API_KEY] {
                assert!(!request.contains(secret), "a body shows the secret `{secret}`");
            }
        }
    }
}

/// Facts of a model that sees images and takes schemas; where they are not Chat's they stand in the
/// dialect's own table.
const ABLE: &str = "[providers.lab.defaults]\n\
    input = [\"text\", \"image\"]\nstructured = \"schema\"\n\
    messages = { structured = \"schema\" }\n\
    responses = { accepts = [\"temperature\", \"top_p\", \"parallel_tool_calls\", \"store\", \"include\"] }\n";

/// The configuration of the usual stage. Of an endpoint without a preset quire assumes little.
pub fn lab(upstream: &str) -> String {
    provider(Dialect::Chat, upstream, "")
}

/// The same for any dialect, with a model that sees images and takes schemas.
pub fn able(dialect: Dialect, upstream: &str) -> String {
    provider(dialect, upstream, ABLE)
}

fn provider(dialect: Dialect, upstream: &str, more: &str) -> String {
    let (dialect, key) = (dialect.name(), canary::API_KEY);
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n\n\
         [providers.lab]\ndialect = \"{dialect}\"\nbase_url = \"{upstream}\"\napi_key = \"{key}\"\n\
         models = [\"mock-model\"]\n{more}\n\
         [aliases]\n\"gpt-5.5\" = \"lab/mock-model\"\n\"gpt-6-astra\" = \"lab/mock-model\"\n\
         \"claude-*\" = \"lab/mock-model\"\n"
    )
}

/// The configuration of a provider that quire knows, at another address.
pub fn preset(upstream: &str, listen: &str, presets: &[&str], top: &str) -> String {
    let key = canary::API_KEY;
    let providers: String = presets
        .iter()
        .map(|preset| {
            format!(
                "[providers.{preset}]\npreset = \"{preset}\"\nbase_url = \"{upstream}\"\n\
                 api_key = \"{key}\"\n\n"
            )
        })
        .collect();
    format!("{top}\n\n[server]\nlisten = \"{listen}\"\n\n{providers}")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| match entry.path() {
            path if path.is_dir() => files(&path),
            path => vec![path],
        })
        .collect()
}
