//! The matrix: the same conversations, described once, over every pair of client and upstream,
//! streamed and whole, in front of upstreams that refuse whatever is not quite right. Text, tool
//! names, arguments, ids, usage and reason to finish must come through; what two dialects rightly
//! say differently stands in one table, [`differences`]. Start at [`scenes`] and [`play`].

#![expect(clippy::panic, reason = "a test fails by panicking")]

mod client;
mod differences;
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
    let only = std::env::var("SCENE").unwrap_or_default();
    let mut failed = Vec::new();
    for scene in scenes::all() {
        if !scene.clients.contains(&client) || !scene.name.contains(&only) {
            continue;
        }
        let (name, pair) = (scene.name, Arc::clone(&pair));
        // A task of its own, so that one that panics is not the last.
        let played = tokio::spawn(async move { pair.play(&scene).await }).await;
        if played.is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "{} onto {}: {failed:#?}", client.name(), upstream.name());
}

macro_rules! each_pair {
    ($($module:ident $client:ident: $($test:ident $upstream:ident),*;)*) => {
        $(mod $module {
            $(#[tokio::test]
            async fn $test() {
                super::plays_every_scene(testkit::Dialect::$client, testkit::Dialect::$upstream).await;
            })*
        })*
    };
}

each_pair! {
    from_chat Chat: onto_chat Chat, onto_messages Messages, onto_responses Responses;
    from_messages Messages: onto_chat Chat, onto_messages Messages, onto_responses Responses;
    from_responses Responses: onto_chat Chat, onto_messages Messages, onto_responses Responses;
}
