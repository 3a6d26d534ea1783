//! What only Claude Code's tools do: pictures that are read, tools that are searched for, the web,
//! sub-agents, MCP servers; and thoughts that a server wants back.

use clients::claude_code::{HANDS, Run, Setup};
use clients::scene::Actor;
use clients::stage::preset;
use clients::{Room, Sent, Stage, each_upstream};
use serde_json::json;
use testkit::Dialect;
use testkit::script::{Citation, Script, says};
use testkit::strict::Profile;
use testkit::upstream::Recorded;

use super::{run, setup, stage};

each_upstream!(
    a_picture_that_is_read_reaches_the_model,
    a_tool_is_searched_for_and_the_web_is_asked_beside_the_conversation,
    a_sub_agent_works_and_reports,
    an_mcp_tool_is_called,
    a_call_that_fails_is_told_to_the_model,
    a_resumed_session_goes_on_with_its_history,
    many_calls_in_a_row_keep_their_order,
);

const PICTURE: &[u8] = include_bytes!("../../assets/red.png");

/// A stage whose script needs to know the room.
async fn acted(
    name: &str,
    upstream: Dialect,
    script: impl FnOnce(&Room, &Actor) -> Script,
) -> Stage {
    let room = Room::fresh(&format!("{name}-{}", upstream.name()));
    let script = script(&room, &Actor::new(HANDS, &room));
    Stage::speaking(upstream, room, script).await
}

async fn a_picture_that_is_read_reaches_the_model(upstream: Dialect) {
    let stage = acted("picture", upstream, |room, _| {
        let picture = room.put("picture.png", PICTURE);
        Script::steps([
            says().call("call_1", "Read", json!({ "file_path": picture })).into(),
            says().text("It is red.").into(),
        ])
    })
    .await;
    let outcome = run(&stage, &setup(), "What colour is picture.png?").await;
    outcome.succeeded();
    assert_eq!(outcome.answer(), "It is red.");
    let sent = stage.conversation(HANDS);
    assert!(sent[0].images().is_empty());
    let images = sent[1].images();
    assert!(images.len() == 1 && images[0].starts_with("data:image/"), "{images:?}");
    assert_eq!(sent[1].results().len(), 1);
    stage.leave();
}

#[tokio::test]
async fn a_model_that_cannot_see_is_told_where_a_picture_was() {
    let room = Room::fresh("blind");
    let picture = room.put("picture.png", PICTURE);
    let script = Script::steps([
        says().call("call_1", "Read", json!({ "file_path": picture })).into(),
        says().text("I cannot see it.").into(),
    ]);
    let config = clients::stage::lab;
    let stage = Stage::in_room(room, Profile::GenericStrict, script, config).await;
    let outcome = run(&stage, &setup(), "What colour is picture.png?").await;
    outcome.succeeded();
    let sent = stage.conversation(HANDS);
    assert!(sent[1].images().is_empty());
    assert!(!sent[1].body.to_string().contains("base64"), "no image travels as text");
    assert!(sent[1].results()[0].1.contains("image"), "{:?}", sent[1].results());
    stage.leave();
}

async fn a_tool_is_searched_for_and_the_web_is_asked_beside_the_conversation(upstream: Dialect) {
    // Only Messages has a place for the search itself; elsewhere the model just answers.
    let found = [Citation::new("https://example.com/quire", "Of quires", "four sheets")];
    let searched = match upstream {
        Dialect::Messages => says().searched("srvtoolu_1", "what is a quire", found),
        Dialect::Chat | Dialect::Responses => says(),
    };
    let beside = |request: &Recorded| {
        request.contains("Perform a web search for the query: what is a quire")
    };
    let select = json!({"query": "select:WebSearch", "max_results": 5});
    let script = Script::default()
        .when(beside, searched.text("A quire is four sheets."))
        .then(says().call("call_1", "ToolSearch", select))
        .then(says().call("call_2", "WebSearch", json!({"query": "what is a quire"})))
        .then(says().text("Four sheets."));
    let stage = stage("web", upstream, script).await;
    let outcome = run(&stage, &setup(), "Look it up").await;
    outcome.succeeded();
    assert_eq!(outcome.answer(), "Four sheets.");
    let results = outcome.results();
    let told = results[1].1.to_string();
    assert!(!results[1].0 && told.contains("A quire is four sheets."), "{told}");

    let sent = stage.conversation(HANDS);
    assert_eq!(sent.len(), 4);
    assert!(sent[0].tool("WebSearch").is_none() && sent[1].tool("WebSearch").is_some());
    assert!(!sent[1].results()[0].1.is_empty() || upstream == Dialect::Messages);
    if upstream == Dialect::Messages {
        assert_eq!(sent[2].body["tools"][0]["type"], "web_search_20250305");
    }
    assert_eq!(sent[3].calls()[1].1, "WebSearch");
    assert!(sent[3].results()[1].1.contains("four sheets"), "{:?}", sent[3].results());
    stage.leave();
}

async fn a_sub_agent_works_and_reports(upstream: Dialect) {
    let delegated = json!({
        "description": "Count the leaves",
        "prompt": "SUBTASK: count the leaves",
        "subagent_type": "general-purpose",
        "run_in_background": false,
    });
    let is_sub = |request: &Recorded| {
        let said = Sent::from(request).said("user");
        said.iter().any(|text| text.contains("SUBTASK"))
    };
    let script = Script::default()
        .whenever(is_sub, says().text("There are eight leaves."))
        .then(says().call("call_1", "Agent", delegated))
        .then(says().text("Eight."));
    let stage = stage("sub-agent", upstream, script).await;
    let outcome = run(&stage, &setup(), "How many leaves?").await;
    outcome.succeeded();
    assert_eq!(outcome.answer(), "Eight.");
    let sent = stage.conversation(HANDS);
    assert_eq!(sent.len(), 3);
    assert!(sent[1].tools().len() < sent[0].tools().len(), "a sub-agent has fewer tools");
    assert!(sent[2].results()[0].1.contains("There are eight leaves."), "{:?}", sent[2].results());
    stage.leave();
}

async fn an_mcp_tool_is_called(upstream: Dialect) {
    let script = Script::choose(|request: &Recorded| {
        let sent = Sent::from(request);
        let tool = sent.tools().into_iter().find(|name| name.contains("add")).map(str::to_owned);
        match (sent.results().len(), tool) {
            (0, None) => {
                let query = json!({"query": "select:mcp__toy__add-two", "max_results": 5});
                says().call("call_1", "ToolSearch", query).into()
            }
            (0 | 1, Some(tool)) if !sent.calls().iter().any(|call| call.1.contains("add")) => {
                says().call("call_2", &tool, json!({"a": 2, "b": 3})).into()
            }
            _ => says().text("Five.").into(),
        }
    });
    let stage = stage("mcp", upstream, script).await;
    let toy = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/toy-mcp.mjs");
    let servers = json!({"mcpServers": {"toy": {"command": "node", "args": [toy]}}});
    let file = stage.room.path().join("mcp.json");
    std::fs::write(&file, servers.to_string()).expect("the room is writable");
    setup().write(&stage.room, stage.quire.address());
    let run = Run::print(&stage.room, "Add two and three").with("--mcp-config", file.display());
    let outcome = run.run().await;
    outcome.succeeded();
    assert_eq!(outcome.answer(), "Five.");
    let sent = stage.conversation(HANDS);
    let last = sent.last().expect("it was asked");
    let results = last.results();
    let result = results.last().map(|(_, text)| text.as_str()).unwrap_or_default();
    assert!(result.contains("sum=5"), "{results:?}");
    stage.leave();
}

async fn a_call_that_fails_is_told_to_the_model(upstream: Dialect) {
    let stage = acted("failing", upstream, |_, actor| {
        actor.steps([
            actor.run(says(), "call_1", "echo lost >&2; exit 3").into(),
            says().call("call_2", "OpenTheWindow", json!({"floor": 3})).into(),
            says().text("Neither worked.").into(),
        ])
    })
    .await;
    let outcome = run(&stage, &setup(), "Try two things").await;
    outcome.succeeded();
    assert_eq!(outcome.answer(), "Neither worked.");
    let sent = stage.conversation(HANDS);
    let results = sent[2].results();
    assert!(results[0].1.contains("lost"), "{results:?}");
    assert!(results[1].1.contains("OpenTheWindow"), "{results:?}");
    stage.leave();
}

async fn a_resumed_session_goes_on_with_its_history(upstream: Dialect) {
    let stage = acted("resume", upstream, |_, actor| {
        let first = says().reasoning("I need a file.").text("One moment.");
        actor.steps([
            actor.run(first, "call_1", "echo 1").into(),
            says().text("One.").into(),
            says().text("Two.").into(),
        ])
    })
    .await;
    let first = run(&stage, &setup(), "Count").await;
    first.succeeded();
    let second = Run::print(&stage.room, "Go on").resume(first.session()).run().await;
    second.succeeded();
    assert_eq!(second.answer(), "Two.");
    let sent = stage.conversation(HANDS);
    let last = &sent[2];
    let said = last.said("assistant");
    assert!(said.iter().any(|text| text.contains("One moment.")), "{said:?}");
    assert_eq!(said.last().map(String::as_str), Some("One."));
    assert_eq!(last.calls()[0].0, "call_1");
    assert!(last.said("user").last().is_some_and(|text| text.contains("Go on")));
    stage.leave();
}

async fn many_calls_in_a_row_keep_their_order(upstream: Dialect) {
    let stage = acted("many", upstream, |_, actor| {
        let steps = (0..6).map(|n| {
            let think = says().reasoning(format!("Step {n}."));
            actor.run(think, &format!("call_{n}"), &format!("echo {n} >> count.txt")).into()
        });
        actor.steps(steps.chain([says().text("Counted.").into()]))
    })
    .await;
    let outcome = run(&stage, &setup(), "Count to five").await;
    outcome.succeeded();
    assert_eq!(stage.room.read("count.txt").as_deref(), Some("0\n1\n2\n3\n4\n5\n"));
    let sent = stage.conversation(HANDS);
    let ids: Vec<&str> = sent[6].calls().iter().map(|(id, ..)| *id).collect();
    assert_eq!(ids, ["call_0", "call_1", "call_2", "call_3", "call_4", "call_5"]);
    stage.leave();
}

#[tokio::test]
async fn a_server_that_wants_its_thoughts_back_gets_them() {
    let room = Room::fresh("deepseek");
    let actor = Actor::new(HANDS, &room);
    let script = actor.steps([
        actor.run(says().reasoning("I need a file."), "call_1", "echo 1").into(),
        says().reasoning("It printed one.").text("One.").into(),
    ]);
    // The preset's list of dialects is cut to Chat, so that Claude Code has to be translated.
    let config = |upstream: &str| {
        let config = preset(upstream, "127.0.0.1:0", &["deepseek"], "");
        config.replace("preset = \"deepseek\"", "preset = \"deepseek\"\ndialect = \"chat\"")
    };
    let stage = Stage::in_room(room, Profile::DeepSeek, script, config).await;
    let outcome = run(&stage, &Setup::new("deepseek/deepseek-v4-pro"), "Count").await;
    outcome.succeeded();
    assert_eq!(outcome.answer(), "One.");
    assert_eq!(stage.conversation(HANDS)[1].reasoning(), ["I need a file."]);
    stage.leave();
}
