//! What only some scenes have: thinking that comes back, and pictures.

use clients::pi::{HANDS, Run, Setup};
use clients::stage::preset;
use clients::{Room, Stage};
use serde_json::json;
use testkit::Dialect;
use testkit::script::{Script, says};
use testkit::strict::Profile;

use super::{api, setup};

clients::each_pair! { thinking_is_shown_and_returns, a_picture_reaches_the_model }

const THOUGHT: &str = "A file \"a.txt\" is needed — 港.";

async fn thinking_is_shown_and_returns(client: Dialect, upstream: Dialect) {
    let (tool, arguments) = (HANDS.shell)("echo hi > a.txt");
    let script = Script::steps([
        says().reasoning(THOUGHT).call("call_1", tool, arguments).into(),
        says().reasoning("It is there.").text("Made.").into(),
    ]);
    // Of an unknown Chat server quire does not assume that it can be told to think.
    let (stage, model) = if upstream == Dialect::Chat {
        let config = |upstream: &str| preset(upstream, "127.0.0.1:0", &["deepseek"], "");
        let stage = Stage::with("pi-thinking", Profile::DeepSeek, script, config).await;
        (stage, "deepseek/deepseek-v4-pro")
    } else {
        (Stage::speaking(upstream, Room::fresh("pi-thinking"), script).await, "lab/mock-model")
    };
    let mut setup = Setup::new(api(client)).model(model);
    if (client, upstream) == (Dialect::Chat, Dialect::Chat) {
        setup = setup.plain();
    }
    setup.write(&stage.room, stage.quire.address());
    let outcome = Run::new(&stage.room, "Make a file").with("--thinking", "high").run().await;
    outcome.succeeded();
    assert_eq!(outcome.answer(), "Made.");
    // A Chat client cannot ask for summaries, which OpenAI gives only to who asks.
    if (client, upstream) != (Dialect::Chat, Dialect::Responses) {
        assert_eq!(outcome.thinking(), [THOUGHT, "It is there."], "{outcome:#?}");
    }
    assert_eq!(stage.room.read("a.txt").as_deref(), Some("hi\n"));
    let sent = stage.conversation(HANDS);
    // Chat has no place for the seal that the other two demand to have back, so what a Chat client
    // returns need not reach them.
    if client != Dialect::Chat || upstream == Dialect::Chat {
        assert_eq!(sent[1].reasoning(), [THOUGHT], "{:#}", sent[1].body);
    }
    stage.leave();
}

async fn a_picture_reaches_the_model(client: Dialect, upstream: Dialect) {
    let script = Script::steps([
        says().call("call_1", "read", json!({"path": "other.png"})).into(),
        says().text("Both are red.").into(),
    ]);
    let stage = Stage::speaking(upstream, Room::fresh("pi-picture"), script).await;
    let picture = include_bytes!("../../assets/red.png");
    for name in ["picture.png", "other.png"] {
        stage.room.put(name, picture);
    }
    setup(client, upstream).write(&stage.room, stage.quire.address());
    let outcome = Run::new(&stage.room, "Compare").file("picture.png").run().await;
    outcome.succeeded();
    assert_eq!(outcome.answer(), "Both are red.");
    let sent = stage.conversation(HANDS);
    assert_eq!(sent[0].images().len(), 1, "{:#}", sent[0].body);
    assert_eq!(sent[1].images().len(), 2, "{:#}", sent[1].body);
    for image in sent[1].images() {
        assert!(image.starts_with("data:image/"), "{image:.60}");
    }
    stage.leave();
}
