//! Conversations that go well.

use clients::opencode::{HANDS, Package, Run, Setup};
use clients::scene::{Actor, Usage};
use clients::stage::preset;
use clients::{Room, Stage};
use serde_json::json;
use testkit::Dialect;
use testkit::script::{Usage as Tokens, says};
use testkit::strict::Profile;

use super::{each_package, play, room, set_up};

each_package!(
    a_piece_of_work_with_a_picture_a_thought_an_edit_and_two_commands_at_once,
    a_stream_in_tiny_pieces_is_the_same_stream,
);

const PICTURE: &[u8] = include_bytes!("../../assets/red.png");
const PICTURE_URL: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AA\
                           AAFklEQVR42mO4oKBAEmIY1TCqYfhqAABLfxAQegypMgAAAABJRU5ErkJggg==";
const NEW: &str = "zwei \"2\" \\ 漢字 🙂";
const STEP: Tokens = Tokens { prompt: 1000, completion: 30, cached: 600, reasoning: 4 };

async fn a_piece_of_work_with_a_picture_a_thought_an_edit_and_two_commands_at_once(
    package: Package,
    upstream: Dialect,
) {
    let room = room("work", package, upstream);
    let actor = Actor::new(HANDS, &room);
    let thoughtful = says().reasoning("A note first.").text("I write it.").usage(STEP);
    let two = actor.run(says().usage(STEP), "call_3", "echo A > a.txt");
    let two = actor.run(two, "call_4", "echo B > b.txt; echo both").interleaved();
    let script = actor.steps([
        actor.write(thoughtful, "call_1", "note.txt", "grüße\neins\nend\n").into(),
        actor.edit(says().usage(STEP), "call_2", "note.txt", "eins", NEW).into(),
        two.argument_pieces(3).into(),
        says().text("All done.").usage(STEP).into(),
    ]);
    let stage = Stage::speaking(upstream, room, script).await;
    let picture = stage.room.put("picture.png", PICTURE);
    set_up(&stage, package);
    let outcome =
        Run::new(&stage.room, "Look and work").with("--file", picture.display()).run().await;
    outcome.succeeded();

    assert_eq!(outcome.answer(), "All done.");
    // A Chat client has no way to ask a Responses server to show what it thinks.
    let shown: &[&str] = match (package, upstream) {
        (Package::Compatible, Dialect::Responses) => &[],
        _ => &["A note first."],
    };
    assert_eq!(outcome.reasoning(), shown);
    let tools: Vec<&str> = outcome.calls().iter().map(|(tool, _)| *tool).collect();
    assert_eq!(tools, ["write", "edit", "bash", "bash"]);
    for (tool, state) in outcome.calls() {
        assert_eq!(state["status"], "completed", "{tool}: {state}");
    }
    let note = format!("grüße\n{NEW}\nend\n");
    for (name, content) in [("note.txt", note.as_str()), ("a.txt", "A\n"), ("b.txt", "B\n")] {
        assert_eq!(stage.room.read(name).as_deref(), Some(content), "{name}");
    }
    let counted = Usage { input: 4000, cached: 2400, output: 120, reasoning: 16 };
    assert_eq!(outcome.usage(), Some(counted));

    let all = stage.upstream.completions();
    assert_eq!(all.iter().filter(|request| (HANDS.is_aside)(request)).count(), 1, "one title");
    let sent = stage.conversation(HANDS);
    assert_eq!(sent.len(), 4);
    assert_eq!(sent[0].body["model"], "mock-model");
    assert!(sent[0].tool("bash").is_some() && sent[0].tool("edit").is_some());
    assert!(sent[0].instructions().contains("opencode"));
    assert_eq!(sent[0].images(), [PICTURE_URL]);
    let last = &sent[3];
    let calls = last.calls();
    let ids: Vec<&str> = calls.iter().map(|(id, ..)| *id).collect();
    assert_eq!(ids, ["call_1", "call_2", "call_3", "call_4"]);
    assert_eq!(calls[1].2["newString"], NEW, "arguments come back as they were");
    let answered = last.results();
    let answered_ids: Vec<&str> = answered.iter().map(|(id, _)| *id).collect();
    assert_eq!(answered_ids, ids);
    assert!(answered[3].1.contains("both"), "{answered:?}");
    stage.leave();
}

async fn a_stream_in_tiny_pieces_is_the_same_stream(package: Package, upstream: Dialect) {
    let (_, sent) = play("bytes-in-pieces", package, upstream).await;
    assert_eq!(sent.len(), 1);
}

/// A session that goes on in a second run, in front of a server that wants its thoughts back.
async fn resumed(package: Package) {
    let room = room("resume", package, Dialect::Chat);
    let actor = Actor::new(HANDS, &room);
    let script = actor.steps([
        actor.run(says().reasoning("I need a file."), "call_1", "echo 1").into(),
        says().reasoning("It printed one.").text("One.").into(),
        says().text("Two.").into(),
    ]);
    let config = |upstream: &str| {
        let config = preset(upstream, "127.0.0.1:0", &["deepseek"], "");
        config.replace("preset = \"deepseek\"", "preset = \"deepseek\"\ndialect = \"chat\"")
    };
    let stage = Stage::in_room(room, Profile::DeepSeek, script, config).await;
    let setup = Setup::new(package, "deepseek/deepseek-v4-pro");
    setup.write(&stage.room, &stage.quire.base_url());
    let first = Run::new(&stage.room, "Count").run().await;
    first.succeeded();
    assert_eq!(first.answer(), "One.");
    let second = Run::new(&stage.room, "Go on").resume(first.session()).run().await;
    second.succeeded();
    assert_eq!(second.answer(), "Two.");
    let sent = stage.conversation(HANDS);
    assert_eq!(sent[1].reasoning(), ["I need a file."]);
    assert_eq!(sent[2].reasoning()[0], "I need a file.");
    assert_eq!(sent[2].said("assistant").last().map(String::as_str), Some("One."));
    stage.leave();
}

#[tokio::test]
async fn chat_completions_give_a_server_its_thoughts_back() {
    resumed(Package::Compatible).await;
}

#[tokio::test]
async fn responses_give_a_server_its_thoughts_back() {
    resumed(Package::OpenAi).await;
}

#[tokio::test]
async fn messages_give_a_server_its_thoughts_back() {
    resumed(Package::Anthropic).await;
}

#[tokio::test]
async fn a_model_that_cannot_see_is_told_where_a_picture_was() {
    let room = Room::fresh("blind");
    let script = Actor::new(HANDS, &room).steps([says().text("I cannot see it.").into()]);
    let config = clients::stage::lab;
    let stage = Stage::in_room(room, Profile::GenericStrict, script, config).await;
    let picture = stage.room.put("picture.png", PICTURE);
    set_up(&stage, Package::Anthropic);
    let outcome = Run::new(&stage.room, "Look").with("--file", picture.display()).run().await;
    outcome.succeeded();
    let sent = stage.conversation(HANDS);
    assert!(sent[0].images().is_empty());
    assert!(!sent[0].body.to_string().contains("base64"), "no image travels as text");
    stage.leave();
}

#[tokio::test]
async fn the_effort_that_was_chosen_reaches_the_model() {
    let room = Room::fresh("variant");
    let script = Actor::new(HANDS, &room).steps([says().text("Hm.").into()]);
    let stage = Stage::speaking(Dialect::Responses, room, script).await;
    let variants = json!({"deep": {"reasoningEffort": "high"}});
    let setup = Setup::new(Package::OpenAi, "lab/mock-model").detail("variants", variants);
    setup.write(&stage.room, &stage.quire.base_url());
    let outcome = Run::new(&stage.room, "Think").with("--variant", "deep").run().await;
    outcome.succeeded();
    assert_eq!(stage.conversation(HANDS)[0].body["reasoning"]["effort"], "high");
    stage.leave();
}
