//! Claude Code on its recordings and in the scenes.

use clients::Room;
use clients::claude_code::{HANDS, Run, Setup};
use clients::replay::Replay;
use clients::scene::{Actor, LIMIT, Scene, Usage};
use serde_json::json;
use testkit::canary;
use testkit::script::{Script, refuses};
use testkit::strict::Profile;
use testkit::upstream::Upstream;

async fn play(scenario: &str) -> (Room, Replay, clients::claude_code::Outcome) {
    let room = Room::fresh(scenario);
    let replay = Replay::of(&room, "claude-code", scenario).await;
    Setup::new("claude-opus-5-5").write(&room, &replay.root_url());
    let outcome = Run::print(&room, "Do as you are told").run().await;
    (room, replay, outcome)
}

#[tokio::test]
async fn a_recorded_tool_loop_writes_a_file_and_reads_it() {
    let (room, replay, outcome) = play("tool-loop").await;
    outcome.succeeded();
    assert_eq!(outcome.answer(), "Finished.");
    assert_eq!(room.read("a.txt").as_deref(), Some("hello\n"));
    let file = room.workspace().join("a.txt");
    let written = json!({"file_path": file, "content": "hello\n"});
    let shown = json!({"command": "cat a.txt", "description": "show"});
    assert_eq!(outcome.calls(), [("Write", &written), ("Bash", &shown)]);
    assert_eq!(outcome.results()[1], (false, &json!("hello")));
    assert_eq!(outcome.said("thinking").count(), 1);
    assert_eq!(outcome.turns(), 3);
    let expected = Usage { input: 75, cached: 0, output: 36, reasoning: 0 };
    assert_eq!(outcome.usage(), Some(expected));
    assert_eq!(replay.asked().len(), 3);
    let asked = &replay.asked()[0];
    assert_eq!(asked.path, "/v1/messages?beta=true");
    let key = format!("Bearer {}", canary::CLIENT_KEY);
    assert!(asked.headers.contains(&("authorization".to_owned(), key)), "{:?}", asked.headers);
}

#[tokio::test]
async fn a_broken_stream_is_asked_for_again_in_one_piece() {
    let (_room, replay, outcome) = play("nonstream-fallback").await;
    outcome.succeeded();
    assert_eq!(outcome.answer(), "nonstream fallback");
    let streams: Vec<_> = replay.asked().iter().map(|asked| asked.body["stream"].clone()).collect();
    assert_eq!(streams, [json!(true), json!(false)]);
}

#[tokio::test]
async fn the_tool_search_finds_the_web_search_which_asks_beside_the_conversation() {
    let (_room, replay, outcome) = play("toolsearch-websearch").await;
    outcome.succeeded();
    let called: Vec<&str> = outcome.calls().iter().map(|(name, _)| *name).collect();
    assert_eq!(called, ["ToolSearch", "WebSearch"]);
    assert_eq!(replay.asked()[2].body["tools"][0]["type"], "web_search_20250305");
}

/// The scenes that need no gateway to end as they must: without one a wrong key is tried ten times.
const SCENES: [&str; 8] = [
    "text",
    "bytes-in-pieces",
    "file",
    "parallel-calls",
    "edit",
    "throttled",
    "cut-once",
    "no-balance",
];

#[tokio::test]
async fn the_scenes_end_as_they_must() {
    for scene in SCENES.map(Scene::named) {
        let room = Room::fresh(scene.name);
        let script = (scene.script)(&Actor::new(HANDS, &room));
        let upstream = Upstream::with().profile(Profile::Anthropic).start(script).await;
        Setup::new("claude-opus-5-5").write(&room, &upstream.root_url());
        let outcome = Run::print(&room, scene.prompt).limit(LIMIT).run().await;
        scene.judge(&outcome.ending(), |file| room.read(file));
        upstream.assert_done();
    }
}

#[tokio::test]
async fn retries_are_told_and_end_where_the_settings_say() {
    let room = Room::fresh("retries");
    let upstream = Upstream::with().profile(Profile::Anthropic);
    let upstream = upstream.start(Script::always(refuses(503))).await;
    Setup::new("claude-opus-5-5").retries(1).write(&room, &upstream.root_url());
    let outcome = Run::print(&room, "Answer").run().await;
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.is_error());
    assert_eq!(outcome.retries().len(), 1, "{:?}", outcome.retries());
    assert_eq!(upstream.completions().len(), 2);
}
