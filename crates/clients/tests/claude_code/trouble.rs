//! Upstreams that fail in the middle, or in ways for which Claude Code has words of its own.

use clients::claude_code::{HANDS, Run};
use clients::scene::Actor;
use clients::{Room, Stage, each_upstream};
use testkit::Dialect;
use testkit::script::{End, Script, html, refuses, says};

use super::{run, setup, stage};

each_upstream!(
    an_error_inside_the_stream_makes_it_ask_for_a_whole_answer,
    a_tool_that_ran_before_the_cut_is_not_run_again,
    a_page_of_html_is_an_error_that_names_the_status,
    an_overloaded_upstream_is_tried_again_and_told,
    an_answer_that_hit_its_limit_is_gone_on_with,
    a_refusal_is_shown,
    a_full_context_is_told,
);

async fn an_error_inside_the_stream_makes_it_ask_for_a_whole_answer(upstream: Dialect) {
    let words = "the lab ran out of ink";
    let script = Script::steps([
        says().text("Dear").error("api_error", "ink", words).without_finish().into(),
        says().text("Dear reader.").into(),
    ]);
    let stage = stage("error-in-stream", upstream, script).await;
    let outcome = run(&stage, &setup(), "Write").await;
    outcome.succeeded();
    assert_eq!(outcome.answer(), "Dear reader.");
    let sent = stage.conversation(HANDS);
    assert_eq!(sent[0].body["stream"], true);
    assert_ne!(sent[1].body["stream"], true, "Claude Code falls back to one piece");
    stage.leave();
}

async fn a_tool_that_ran_before_the_cut_is_not_run_again(upstream: Dialect) {
    let room = Room::fresh(&format!("cut-after-call-{}", upstream.name()));
    let actor = Actor::new(HANDS, &room);
    let script = actor.steps([
        // A second call begins, so the first one is known to be whole; then the line breaks.
        actor
            .run(says(), "call_1", "echo x >> count.txt")
            .call_raw("call_2", "Bash", "{\"command\": \"echo y >>")
            .argument_pieces(0)
            .cut(End::Reset)
            .into(),
        says().text("Once is enough.").into(),
    ]);
    let stage = Stage::speaking(upstream, room, script).await;
    let outcome = run(&stage, &setup(), "Count").await;
    outcome.succeeded();
    assert_eq!(outcome.answer(), "Once is enough.");
    let count = stage.room.read("count.txt").unwrap_or_default();
    assert!(count == "x\n" || count.is_empty(), "{count:?}");
    let sent = stage.conversation(HANDS);
    let called = sent[1].calls().len();
    match upstream {
        // There the second call was closed before the line broke, however broken it is: what an
        // upstream says in the client's own dialect is passed as it is, and Claude Code refuses it.
        Dialect::Messages => assert!(called <= 2 && sent[1].results().len() == called),
        _ => assert_eq!(called, count.lines().count(), "what ran is in the history, nothing else"),
    }
    stage.leave();
}

async fn a_page_of_html_is_an_error_that_names_the_status(upstream: Dialect) {
    let stage = stage("html", upstream, Script::always(html(502))).await;
    let outcome = run(&stage, &setup(), "Write").await;
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.answer().contains("502"), "{}", outcome.answer());
    assert!(!outcome.answer().contains("<html"), "{}", outcome.answer());
    stage.leave();
}

async fn an_overloaded_upstream_is_tried_again_and_told(upstream: Dialect) {
    let stage = stage("overloaded", upstream, Script::always(refuses(503))).await;
    let outcome = run(&stage, &setup(), "Write").await;
    assert_eq!(outcome.code, Some(1));
    assert_eq!(outcome.retries().len(), 2, "{:?}", outcome.retries());
    assert!(stage.conversation(HANDS).len() <= 6);
    stage.leave();
}

async fn an_answer_that_hit_its_limit_is_gone_on_with(upstream: Dialect) {
    let script = Script::steps([
        says().text("Once upon a").finish("length").into(),
        says().text(" time.").into(),
    ]);
    let stage = stage("length", upstream, script).await;
    let outcome = run(&stage, &setup(), "Tell").await;
    outcome.succeeded();
    let said: Vec<&str> = outcome.said("text").filter_map(|block| block["text"].as_str()).collect();
    assert!(said.iter().any(|text| text.contains("Once upon a")), "{said:?}");
    stage.leave();
}

async fn a_refusal_is_shown(upstream: Dialect) {
    // Claude Code asks once more after `refusal`, with a beta of its own.
    let stage =
        stage("refusal", upstream, Script::always(says().refusal("I would rather not."))).await;
    let outcome = run(&stage, &setup(), "Do harm").await;
    let shown =
        outcome.events.iter().any(|event| event.to_string().contains("I would rather not."));
    assert!(shown, "{outcome:#?}");
    assert!(stage.conversation(HANDS).len() <= 3);
    stage.leave();
}

async fn a_full_context_is_told(upstream: Dialect) {
    let refusal = match upstream {
        Dialect::Messages => {
            let words = "prompt is too long: 210000 tokens > 200000 maximum";
            refuses(400).error("invalid_request_error", "", words)
        }
        Dialect::Chat | Dialect::Responses => {
            let words = "This model's maximum context length is 65536 tokens.";
            refuses(400).error("invalid_request_error", "context_length_exceeded", words)
        }
    };
    let stage = stage("context", upstream, Script::always(refusal)).await;
    setup().write(&stage.room, stage.quire.address());
    let outcome = Run::print(&stage.room, "Write").run().await;
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.answer().to_lowercase().contains("too long"), "{}", outcome.answer());
    assert!(stage.conversation(HANDS).len() <= 2, "{}", stage.sent().len());
    stage.leave();
}
