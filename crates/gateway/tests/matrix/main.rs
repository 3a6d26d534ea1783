//! The matrix: the same conversations, described once, over every pair of client and upstream,
//! streamed and whole, in front of upstreams that refuse whatever is not quite right. Text, tool
//! names, arguments, ids, usage and reason to finish must come through; what two dialects rightly
//! say differently stands in one table, [`differences`]. Start at [`scenes`] and [`play`].

#![expect(clippy::panic, reason = "a test fails by panicking")]

mod client;
mod differences;
mod faults;
mod play;
mod scene;
mod scenes;
mod sent;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "../exchange/stage.rs"]
mod stage;

use std::sync::Arc;

use play::Pair;
use testkit::Dialect;

/// Plays every scene that this client can ask for, and tells of all that fail.
async fn plays_every_scene(client: Dialect, upstream: Dialect) {
    let pair = Arc::new(Pair::set(client, upstream).await);
    let mut failed = Vec::new();
    for scene in scenes::all() {
        let (name, pair) = (scene.name, Arc::clone(&pair));
        // A task of its own, so that one that panics is not the last.
        if tokio::spawn(async move { pair.play(&scene).await }).await.is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "{} onto {}: {failed:#?}", client.name(), upstream.name());
}

async fn tells_every_fault(client: Dialect, upstream: Dialect) {
    let pair = Pair::set(client, upstream).await;
    faults::errors_before_the_answer(&pair).await;
    faults::errors_in_the_answer(&pair).await;
    faults::cuts(&pair).await;
}

async fn gives_every_answer_ids_of_its_own(client: Dialect, upstream: Dialect) {
    faults::ids_are_unique(&Pair::set(client, upstream).await).await;
}

/// Nine tests of each function.
macro_rules! each_pair {
    ($($module:ident $client:ident $upstream:ident;)*) => {
        $(mod $module {
            use testkit::Dialect::{$client as Client, $upstream as Upstream};

            #[tokio::test]
            async fn plays_every_scene() {
                super::plays_every_scene(Client, Upstream).await;
            }

            #[tokio::test]
            async fn tells_every_fault() {
                super::tells_every_fault(Client, Upstream).await;
            }

            #[tokio::test]
            async fn gives_every_answer_ids_of_its_own() {
                super::gives_every_answer_ids_of_its_own(Client, Upstream).await;
            }
        })*
    };
}

each_pair! {
    chat_onto_chat Chat Chat;
    chat_onto_messages Chat Messages;
    chat_onto_responses Chat Responses;
    messages_onto_chat Messages Chat;
    messages_onto_messages Messages Messages;
    messages_onto_responses Messages Responses;
    responses_onto_chat Responses Chat;
    responses_onto_messages Responses Messages;
    responses_onto_responses Responses Responses;
}
