//! OpenCode on its recordings and in the scenes.

use clients::Room;
use clients::opencode::{HANDS, Outcome, Package, Run, Setup};
use clients::replay::Replay;
use clients::scene::{Actor, Scene, Usage};
use testkit::strict::Profile;
use testkit::upstream::Upstream;

async fn play(package: Package, scenario: &str, usage: Usage) {
    let room = Room::fresh(scenario);
    let replay = Replay::of(&room, "opencode", scenario).await;
    Setup::new(package, "m").write(&room, &replay.base_url());
    let outcome: Outcome = Run::new(&room, "Do as you are told").run().await;
    outcome.succeeded();
    assert_eq!(outcome.answer(), "All done now");
    assert_eq!(room.read("a.txt").as_deref(), Some("hi\n"));
    let calls = outcome.calls();
    assert!(calls.len() == 1 && calls[0].0 == "bash", "{calls:?}");
    assert_eq!(outcome.usage(), Some(usage));
    assert_eq!(replay.asked().len(), 3, "two turns and a title");
    for asked in replay.asked() {
        assert_eq!(asked.path, package.dialect().path());
    }
}

#[tokio::test]
async fn a_recorded_loop_of_chat_completions_makes_a_file() {
    let usage = Usage { input: 200, cached: 100, output: 10, reasoning: 4 };
    play(Package::Compatible, "chat-completions-loop", usage).await;
}

#[tokio::test]
async fn a_recorded_loop_of_responses_makes_a_file() {
    let usage = Usage { input: 2400, cached: 2000, output: 80, reasoning: 20 };
    play(Package::OpenAi, "responses-loop", usage).await;
}

#[tokio::test]
async fn a_recorded_loop_of_messages_makes_a_file() {
    let usage = Usage { input: 50, cached: 0, output: 24, reasoning: 0 };
    play(Package::Anthropic, "anthropic-loop", usage).await;
}

/// Scenes that between them call every hand, wait, and fail.
const SCENES: [&str; 4] = ["parallel-calls", "edit", "throttled", "no-balance"];

async fn scenes(package: Package) {
    for scene in SCENES.map(Scene::named) {
        let room = Room::fresh(scene.name);
        let script = (scene.script)(&Actor::new(HANDS, &room));
        let profile = Profile::strictest(package.dialect());
        let upstream = Upstream::with().profile(profile).start(script).await;
        Setup::new(package, "mock-model").write(&room, &upstream.base_url());
        let outcome = Run::new(&room, scene.prompt).run().await;
        scene.judge(&outcome.ending(), |file| room.read(file));
        upstream.assert_done();
    }
}

#[tokio::test]
async fn the_scenes_end_as_they_must_over_chat_completions() {
    scenes(Package::Compatible).await;
}

#[tokio::test]
async fn the_scenes_end_as_they_must_over_responses() {
    scenes(Package::OpenAi).await;
}

#[tokio::test]
async fn the_scenes_end_as_they_must_over_messages() {
    scenes(Package::Anthropic).await;
}
