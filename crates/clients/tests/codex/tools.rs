//! Tools of every kind: freeform patches, MCP servers, images, a schema for the answer.

use clients::Stage;
use clients::codex::{Run, Setup};
use clients::sent::chat;
use serde_json::{Value, json};
use testkit::script::{Script, says};
use testkit::upstream::Recorded;

use super::{run, with_catalog};

const PATCH: &str = "*** Begin Patch\n*** Update File: note.txt\n@@\n-grüße \"one\"\n\
                     +grüße \"zwei\" \\ 'drei' — 漢字 🙂\n+\ttab & second line\n*** End Patch\n";
const PATCHED: &str = "grüße \"zwei\" \\ 'drei' — 漢字 🙂\n\ttab & second line\n";
const PICTURE: &[u8] = include_bytes!("../../assets/red.png");
const PICTURE_URL: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AA\
                           AAFklEQVR42mO4oKBAEmIY1TCqYfhqAABLfxAQegypMgAAAABJRU5ErkJggg==";

/// Plays the patch scene; `piece` is the size of the argument pieces, so that escapes and
/// characters are split in every way.
async fn patch_in_pieces(name: &str, piece: usize, ascii: bool) {
    let create = json!({"cmd": "printf 'grüße \"one\"\\n' > note.txt"});
    let mut edit = says().call("call_2", "apply_patch", json!({"input": PATCH}));
    edit = edit.argument_pieces(piece);
    if ascii {
        edit = edit.split_surrogates();
    }
    let script = Script::steps([
        says().call("call_1", "exec_command", create).into(),
        edit.into(),
        says().text("Edited.").into(),
    ]);
    let stage = Stage::set(name, script).await;
    let outcome = run(&stage, &Setup::new("gpt-5.5"), "Create a note, then edit it").await;
    outcome.succeeded();
    assert_eq!(outcome.answer(), "Edited.");
    assert_eq!(outcome.items("file_change").count(), 1);
    assert_eq!(stage.room.read("note.txt").as_deref(), Some(PATCHED));

    let sent = stage.sent();
    let offered = chat::tool(&sent[0], "apply_patch").expect("apply_patch is offered");
    assert!(offered.to_string().contains("Begin Patch"), "its grammar reaches the model");
    assert_eq!(
        chat::calls(&sent[2])[1],
        ("call_2", "apply_patch", json!({"input": PATCH})),
        "the patch comes back as it was written"
    );
    assert!(chat::results(&sent[2])[1].1.contains("Success"));
    stage.leave();
}

#[tokio::test]
async fn a_patch_arrives_as_it_was_written() {
    patch_in_pieces("patch", 16, false).await;
}

#[tokio::test]
async fn a_patch_in_single_characters_and_escapes_arrives_as_it_was_written() {
    patch_in_pieces("patch-pieces", 1, true).await;
}

#[tokio::test]
async fn an_mcp_tool_is_offered_flat_and_called_by_namespace() {
    let script = Script::choose(|request: &Recorded| {
        if chat::results(&request.json).is_empty() {
            let name = chat::offered(&request.json, "add_two").unwrap_or("add_two");
            says().call("call_1", name, json!({"a": 2, "b": 3})).into()
        } else {
            says().text("Five.").into()
        }
    });
    let stage = Stage::set("mcp", script).await;
    let outcome = run(&stage, &with_catalog().toy_mcp(), "Add two and three").await;
    outcome.succeeded();
    let call = outcome.items("mcp_tool_call").next().expect("the MCP tool was called");
    assert_eq!((&call["server"], &call["tool"]), (&json!("toy"), &json!("add-two")));
    assert_eq!(call["result"]["content"], json!([{"type": "text", "text": "sum=5"}]));
    assert_eq!(outcome.answer(), "Five.");

    let sent = stage.sent();
    let name = chat::offered(&sent[0], "add_two").expect("the MCP tool is offered");
    assert_ne!(name, "add_two", "the server's name is part of it");
    assert_eq!(chat::calls(&sent[1])[0].1, name, "the history names it as it was offered");
    assert!(chat::results(&sent[1])[0].1.contains("sum=5"));
    stage.leave();
}

#[tokio::test]
async fn an_image_of_the_user_and_one_of_a_tool_reach_the_model() {
    let script = Script::steps([
        says().call("call_1", "view_image", json!({"path": "other.png"})).into(),
        says().text("Both are red.").into(),
    ]);
    let stage = Stage::able("images", script).await;
    let picture = stage.room.put("picture.png", PICTURE);
    stage.room.put("other.png", PICTURE);
    Setup::new("gpt-5.5").write(&stage.room, &stage.quire.base_url());
    let outcome = Run::exec(&stage.room, "Compare").with("-i", picture.display()).run().await;
    outcome.succeeded();
    assert_eq!(outcome.answer(), "Both are red.");

    let sent = stage.sent();
    assert_eq!(chat::images(&sent[0]), [PICTURE_URL]);
    assert_eq!(chat::images(&sent[1]), [PICTURE_URL, PICTURE_URL]);
    // A tool message holds text; the picture follows it in a message that may hold one.
    let results = chat::results(&sent[1]);
    assert!(results.len() == 1 && !results[0].1.is_empty(), "{results:?}");
    stage.leave();
}

#[tokio::test]
async fn a_model_that_cannot_see_is_told_where_an_image_was() {
    let script = Script::steps([
        says().call("call_1", "view_image", json!({"path": "other.png"})).into(),
        says().text("I cannot see them.").into(),
    ]);
    let stage = Stage::set("no-images", script).await;
    let picture = stage.room.put("picture.png", PICTURE);
    stage.room.put("other.png", PICTURE);
    // Codex takes its own `gpt-5.5` for a model that sees, so the images do reach quire.
    Setup::new("gpt-5.5").write(&stage.room, &stage.quire.base_url());
    let outcome = Run::exec(&stage.room, "Compare").with("-i", picture.display()).run().await;
    outcome.succeeded();
    assert_eq!(outcome.answer(), "I cannot see them.");
    let sent = stage.sent();
    for body in &sent {
        assert_eq!(chat::images(body), [""; 0]);
        assert!(!body.to_string().contains("base64"), "no image travels as text");
    }
    let user = chat::of_role(&sent[1], "user").last().map(chat::text).unwrap_or_default();
    assert!(user.contains("image"), "{user}");
    let results = chat::results(&sent[1]);
    assert!(results.len() == 1 && results[0].1.contains("image"), "{results:?}");
    stage.leave();
}

fn colour() -> Value {
    json!({
        "type": "object",
        "properties": {"colour": {"type": "string"}},
        "required": ["colour"],
        "additionalProperties": false,
    })
}

#[tokio::test]
async fn a_schema_for_the_answer_reaches_the_model() {
    let schema = colour();
    let stage = Stage::able("schema", says().text(r#"{"colour":"red"}"#)).await;
    let file = stage.room.put("schema.json", schema.to_string());
    Setup::new("gpt-5.5").write(&stage.room, &stage.quire.base_url());
    let outcome =
        Run::exec(&stage.room, "Which?").with("--output-schema", file.display()).run().await;
    outcome.succeeded();
    assert_eq!(outcome.answer(), r#"{"colour":"red"}"#);
    let format = &stage.sent()[0]["response_format"];
    assert_eq!(format["type"], "json_schema");
    assert_eq!(format["json_schema"]["schema"], schema);
    stage.leave();
}

#[tokio::test]
async fn a_schema_that_the_model_does_not_take_stops_nobody() {
    let stage = Stage::set("no-schema", says().text(r#"{"colour":"red"}"#)).await;
    let file = stage.room.put("schema.json", colour().to_string());
    Setup::new("gpt-5.5").write(&stage.room, &stage.quire.base_url());
    let outcome =
        Run::exec(&stage.room, "Which?").with("--output-schema", file.display()).run().await;
    outcome.succeeded();
    assert_ne!(stage.sent()[0]["response_format"]["type"], "json_schema");
    stage.leave();
}

#[tokio::test]
async fn a_tool_that_nobody_declared_is_answered_by_codex_and_the_turn_goes_on() {
    let script = Script::steps([
        says().call("call_1", "open_the_window", json!({"floor": 3})).into(),
        says().text("There is no window.").into(),
    ]);
    let stage = Stage::set("unknown-tool", script).await;
    let outcome = run(&stage, &Setup::new("gpt-5.5"), "Let some air in").await;
    outcome.succeeded();
    assert_eq!(outcome.answer(), "There is no window.");
    let sent = stage.sent();
    let results = chat::results(&sent[1]);
    assert!(results[0].1.contains("unsupported call"), "{results:?}");
    stage.leave();
}

#[tokio::test]
async fn a_tool_that_codex_hides_behind_its_search_is_found_and_called() {
    // For models that Codex knows itself, MCP servers and sub-agents are only names until the
    // model searches for them; what it finds stands in the history and not among the tools.
    let script = Script::choose(|request: &Recorded| {
        let body = &request.json;
        match chat::results(body).len() {
            0 => says().call("call_1", "tool_search", json!({"query": "add two", "limit": 3})),
            1 => {
                let name = chat::offered(body, "add_two").unwrap_or("add_two");
                says().call("call_2", name, json!({"a": 20, "b": 3}))
            }
            _ => says().text("Twenty-three."),
        }
        .into()
    });
    let stage = Stage::set("tool-search", script).await;
    let outcome = run(&stage, &Setup::new("gpt-5.5").toy_mcp(), "Add twenty and three").await;
    outcome.succeeded();
    let call = outcome.items("mcp_tool_call").next().expect("the MCP tool was called");
    assert_eq!(call["result"]["content"], json!([{"type": "text", "text": "sum=23"}]));
    assert_eq!(outcome.answer(), "Twenty-three.");
    let sent = stage.sent();
    assert!(chat::offered(&sent[0], "add_two").is_none(), "nobody has looked for it yet");
    assert!(chat::offered(&sent[1], "add_two").is_some(), "it was found");
    stage.leave();
}

#[tokio::test]
async fn a_script_of_code_mode_runs() {
    // The newest names of Codex's own catalog have no top-level tools, but an input item that
    // holds them, and a freeform tool that takes JavaScript.
    let program = "const r = await tools.exec_command({cmd: \"echo 'from a script' > s.txt\"});\n\
                   text(r);";
    let script = Script::choose(move |request: &Recorded| {
        let body = &request.json;
        if chat::results(body).is_empty() {
            let name = chat::tools(body).into_iter().find(|name| {
                *name == "exec" || (name.ends_with("exec") && name.starts_with("functions"))
            });
            says().call("call_1", name.unwrap_or("exec"), json!({"input": program})).into()
        } else {
            says().text("Scripted.").into()
        }
    });
    let stage = Stage::set("code-mode", script).await;
    let outcome = run(&stage, &Setup::new("gpt-6-astra"), "Write a script").await;
    outcome.succeeded();
    assert_eq!(outcome.answer(), "Scripted.");
    assert_eq!(stage.room.read("s.txt").as_deref(), Some("from a script\n"));
    let sent = stage.sent();
    assert_eq!(chat::calls(&sent[1])[0].2, json!({"input": program}));
    stage.leave();
}
