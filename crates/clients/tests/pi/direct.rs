//! Guards the driver, without the gateway: recorded exchanges come out as they were recorded, and
//! the scenes end as they must when Pi meets an upstream of its own dialect. When these fail, look
//! at Pi's version first.

use clients::Room;
use clients::pi::{Api, HANDS, Run, Setup};
use clients::replay::Replay;
use clients::scene::{Actor, LIMIT, Scene, Usage};
use testkit::strict::Profile;
use testkit::upstream::Upstream;

use super::setup;

async fn replays(api: Api, scenario: &str, usage: Usage) {
    let room = Room::fresh(scenario);
    let replay = Replay::of(&room, "pi", scenario).await;
    Setup::new(api).write(&room, &replay.root_url());
    let outcome = Run::new(&room, "make a file").run().await;
    outcome.succeeded();
    assert_eq!(outcome.answer(), "All done now");
    assert_eq!(room.read("a.txt").as_deref(), Some("hi\n"));
    let tools = outcome.tools();
    assert!(tools.len() == 1 && tools[0].0 == "bash", "{tools:?}");
    assert_eq!(outcome.usage(), usage);
    let paths: Vec<String> = replay.asked().into_iter().map(|asked| asked.path).collect();
    let beta = if api == Api::Messages { "?beta=true" } else { "" };
    let path = format!("{}{beta}", api.dialect().path());
    assert_eq!(paths, [path.clone(), path]);
}

#[tokio::test]
async fn a_recorded_loop_of_chat_completions_makes_a_file() {
    let usage = Usage { input: 200, cached: 100, output: 10, reasoning: 4 };
    replays(Api::Completions, "chat-completions-loop", usage).await;
}

#[tokio::test]
async fn a_recorded_loop_of_responses_makes_a_file() {
    let usage = Usage { input: 2400, cached: 2000, output: 80, reasoning: 20 };
    replays(Api::Responses, "responses-loop", usage).await;
}

#[tokio::test]
async fn a_recorded_loop_of_messages_makes_a_file() {
    let usage = Usage { input: 50, cached: 0, output: 24, reasoning: 0 };
    replays(Api::Messages, "anthropic-loop", usage).await;
}

/// Scenes that between them call every hand, wait, and fail.
const SCENES: [&str; 5] = ["text", "parallel-calls", "edit", "cut-once", "refused-for-ever"];

#[tokio::test]
async fn the_scenes_end_as_they_must_on_an_upstream_of_each_dialect() {
    for api in Api::ALL {
        for scene in SCENES.map(Scene::named) {
            let room = Room::fresh(scene.name);
            let script = (scene.script)(&Actor::new(HANDS, &room));
            let dialect = api.dialect();
            let profile = Profile::strictest(dialect);
            let upstream = Upstream::with().profile(profile).start(script).await;
            setup(dialect, dialect).retries().write(&room, &upstream.root_url());
            let outcome = Run::new(&room, scene.prompt).limit(LIMIT).run().await;
            scene.judge(&outcome.ending(), |file| room.read(file));
            upstream.assert_done();
        }
    }
}
