//! The official SDKs, driven through the real gateway onto a scripted, strict upstream of each
//! dialect. Each test asserts what the SDK's user sees and what reached the upstream; a refused
//! request fails it.

mod answers;
mod direct;
mod failures;
mod lists;
mod odd;

use clients::sdk::{Calls, Sdk, Told};
use clients::{Room, Sent, Stage};
use testkit::Dialect;
use testkit::script::{Says, Script};

/// The SDKs that speak a dialect.
fn sdks(dialect: Dialect) -> [Sdk; 2] {
    match dialect {
        Dialect::Chat | Dialect::Responses => [Sdk::OpenAiPython, Sdk::OpenAiJs],
        Dialect::Messages => [Sdk::AnthropicPython, Sdk::AnthropicJs],
    }
}

/// Whole answers, streams, and the SDK's own way to put a stream together.
const MODES: [&str; 3] = ["whole", "stream", "helper"];

/// The calls of one name in the dialect of the client, in these modes.
fn calls(client: Dialect, name: &str, modes: &[&str]) -> Vec<String> {
    modes.iter().map(|mode| format!("{}.{name}:{mode}", client.name())).collect()
}

/// These answers, as often as there are modes.
fn for_each_mode<const N: usize>(modes: &[&str], answers: [Says; N]) -> Script {
    Script::steps(modes.iter().flat_map(|_| answers.clone()).map(Into::into))
}

/// What one SDK told, and what reached the upstream.
struct Played {
    told: Vec<Told>,
    sent: Vec<Sent>,
}

/// Plays calls with one SDK on a stage, and leaves it.
async fn play(stage: Stage, calls: Calls) -> Played {
    let told = calls.to(&stage.room, stage.quire.address()).await;
    let sent = stage.upstream.completions().iter().map(Sent::from).collect();
    stage.leave();
    Played { told, sent }
}

/// The usual stage before an upstream of this dialect.
async fn stage(sdk: Sdk, upstream: Dialect, script: impl Into<Script>) -> Stage {
    Stage::speaking(upstream, Room::fresh(sdk.name()), script).await
}

/// For each scene a test for each dialect of the client and of the upstream.
macro_rules! over_every_pair {
    ($($scene:ident)*) => { $(
        mod $scene {
            use super::*;

            over_every_pair!(@ $scene
                chat_onto_chat Chat Chat, chat_onto_responses Chat Responses,
                chat_onto_messages Chat Messages, responses_onto_chat Responses Chat,
                responses_onto_responses Responses Responses,
                responses_onto_messages Responses Messages, messages_onto_chat Messages Chat,
                messages_onto_responses Messages Responses,
                messages_onto_messages Messages Messages);
        }
    )* };
    (@ $scene:ident $($name:ident $client:ident $upstream:ident),*) => { $(
        #[tokio::test]
        async fn $name() {
            $scene(Dialect::$client, Dialect::$upstream).await;
        }
    )* };
}
use over_every_pair;
