//! What upstreams seal and want back: their own passes as it is, what somebody else sealed goes no
//! further, and a refusal of what nobody knows is mended once.

use serde_json::{Value, json};
use testkit::judge::Dialect;
use testkit::script::{Script, Step, refuses, says};
use testkit::upstream::Upstream;

use crate::dialects::{heard, others, post, refused, request, strict, tolerant};
use crate::stage::{Quire, lab, provider};

/// A history in which the assistant thought, sealed with `blob`, and called a tool.
fn history(dialect: Dialect, model: &str, blob: &str) -> Value {
    match dialect {
        Dialect::Responses => request(
            dialect,
            json!({"model": model, "store": false, "include": ["reasoning.encrypted_content"], "input": [
                {"role": "user", "content": "hi"},
                {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": blob},
                {"type": "function_call", "call_id": "call_1", "name": "exec", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "call_1", "output": "done"},
            ], "tools": [{"type": "function", "name": "exec", "parameters": {"type": "object", "properties": {}}, "strict": false}]}),
        ),
        Dialect::Messages => request(
            dialect,
            json!({"model": model, "thinking": {"type": "adaptive"}, "messages": [
                {"role": "user", "content": "hi"},
                {"role": "assistant", "content": [
                    {"type": "thinking", "thinking": "hm", "signature": blob},
                    {"type": "tool_use", "id": "call_1", "name": "exec", "input": {}},
                ]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "done"}]},
            ], "tools": [{"name": "exec", "input_schema": {"type": "object", "properties": {}}}]}),
        ),
        // Nothing in Chat is sealed by its upstream; quire's own seals stand in the details.
        Dialect::Chat => request(
            dialect,
            json!({"model": model, "messages": [
                {"role": "user", "content": "hi"},
                {"role": "assistant", "content": null,
                    "reasoning_details": [{"type": "reasoning.encrypted", "data": blob, "index": 0}],
                    "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "exec", "arguments": "{}"}}]},
                {"role": "tool", "tool_call_id": "call_1", "content": "done"},
            ], "tools": [{"type": "function", "function": {"name": "exec", "parameters": {"type": "object", "properties": {}}}}]}),
        ),
    }
}

const SEALING: [Dialect; 2] = [Dialect::Responses, Dialect::Messages];

/// What an answer to a turn with thinking sealed it with.
fn sealed_in(dialect: Dialect, events: &[Value]) -> String {
    let blob = events.iter().find_map(|event| match dialect {
        Dialect::Messages => event["delta"]["signature"].as_str(),
        Dialect::Chat => event["choices"][0]["delta"]["reasoning_details"][0]["data"].as_str(),
        Dialect::Responses => event["item"]["encrypted_content"]
            .as_str()
            .filter(|_| event["type"] == "response.output_item.done"),
    });
    blob.expect("something was sealed").to_owned()
}

/// A turn that thinks, over `model`, and what it was sealed with.
async fn thought(quire: &Quire, dialect: Dialect, model: &str) -> String {
    let first = match dialect {
        Dialect::Messages => json!({"model": model, "thinking": {"type": "adaptive"}}),
        _ => json!({"model": model, "store": false, "include": ["reasoning.encrypted_content"]}),
    };
    let told = heard(dialect, quire.send(&post(dialect, &request(dialect, first))).await).await;
    sealed_in(dialect, &told.events())
}

fn holds(upstream: &Upstream, blob: &str) -> bool {
    upstream.completions().last().expect("it was asked").contains(blob)
}

#[tokio::test]
async fn an_upstreams_own_seal_returns_to_it_and_to_nobody_else() {
    for dialect in SEALING {
        let answer = || Script::always(says().reasoning("hm").call("call_1", "exec", json!({})));
        let (one, two) = (tolerant(dialect, answer()).await, tolerant(dialect, answer()).await);
        let quire = Quire::start(&format!("{}{}", lab(&one), provider("den", &two))).await;
        let blob = thought(&quire, dialect, "lab/mock-model").await;
        let response = quire.send(&post(dialect, &history(dialect, "lab/mock-model", &blob))).await;
        assert_eq!(heard(dialect, response).await.notes, None);
        assert!(holds(&one, &blob));
        let response = quire.send(&post(dialect, &history(dialect, "den/mock-model", &blob))).await;
        let notes = heard(dialect, response).await.notes.expect("it is told");
        assert!(notes.contains("reasoning-foreign"), "{notes}");
        assert!(!holds(&two, &blob) && !holds(&two, "\"thinking\":\"hm\""));
        assert!(two.completions()[0].contains("call_1"), "the rest stays");
        // What nobody knows may be anybody's.
        let response =
            quire.send(&post(dialect, &history(dialect, "den/mock-model", "sig-testkit-1"))).await;
        assert_eq!(heard(dialect, response).await.notes, None);
        assert!(holds(&two, "sig-testkit-1"));
    }
}

#[tokio::test]
async fn what_quire_sealed_of_another_model_is_not_passed() {
    for dialect in Dialect::ALL {
        for other in others(dialect) {
            let thinking = says().reasoning("the secret thought").call("call_1", "exec", json!({}));
            let translated = strict(other, Script::always(thinking)).await;
            let passed = tolerant(dialect, Script::always(says().text("x"))).await;
            let quire =
                Quire::start(&format!("{}{}", provider("other", &translated), lab(&passed))).await;
            let blob = thought(&quire, dialect, "other/mock-model").await;
            let response =
                quire.send(&post(dialect, &history(dialect, "lab/mock-model", &blob))).await;
            let notes = heard(dialect, response).await.notes.expect("it is told");
            assert!(notes.contains("reasoning-foreign"), "{notes}");
            assert!(!holds(&passed, &blob) && holds(&passed, "call_1"));
            assert!(!holds(&passed, "reasoning_details"));
            passed.assert_no_refusals();
        }
    }
}

#[tokio::test]
async fn thinking_by_budget_is_switched_off_where_its_proof_is_missing() {
    let dialect = Dialect::Messages;
    let thinking = says().reasoning("hm").call("call_1", "exec", json!({}));
    let one = strict(dialect, Script::always(thinking)).await;
    let two = strict(dialect, Script::always(says().text("x"))).await;
    let quire = Quire::start(&format!("{}{}", lab(&one), provider("den", &two))).await;
    let blob = thought(&quire, dialect, "lab/mock-model").await;
    let mut body = history(dialect, "den/mock-model", &blob);
    body["thinking"] = json!({"type": "enabled", "budget_tokens": 2000});
    let notes = heard(dialect, quire.send(&post(dialect, &body)).await).await.notes.unwrap();
    assert!(notes.contains("reasoning-foreign") && notes.contains("effort-ignored"), "{notes}");
    assert!(two.bodies()[0].get("thinking").is_none());
    two.assert_no_refusals();
}

/// How the vendor says that it cannot read what was sealed.
fn refusal(dialect: Dialect) -> Step {
    match dialect {
        Dialect::Messages => refuses(400).error(
            "invalid_request_error",
            "",
            "messages.1.content.0: Invalid `signature` in `thinking` block",
        ),
        _ => refuses(400).error(
            "invalid_request_error",
            "invalid_encrypted_content",
            "The encrypted content could not be verified.",
        ),
    }
    .into()
}

#[tokio::test]
async fn a_refused_seal_is_left_out_once() {
    for dialect in SEALING {
        let upstream = tolerant(dialect, [refusal(dialect), says().text("fine").into()]).await;
        let quire = Quire::before(&upstream).await;
        let body = history(dialect, "lab/mock-model", "sig-testkit-1");
        let told = heard(dialect, quire.send(&post(dialect, &body)).await).await;
        told.assert_finished();
        assert_eq!(told.text(), "fine");
        assert!(told.notes.unwrap().contains("reasoning-foreign"));
        let asked = upstream.completions();
        assert!(asked[0].contains("sig-testkit-1") && !asked[1].contains("sig-testkit-1"));
        assert!(asked[1].contains("call_1"));
        upstream.assert_done();
        let row = quire.rows(1).await.remove(0);
        assert_eq!(row["attempts"].as_array().map(Vec::len), Some(2), "{row:#}");
        assert_eq!(row["outcome"], "completed");
    }
}

#[tokio::test]
async fn a_seal_that_is_refused_again_is_an_error() {
    for dialect in SEALING {
        let upstream = tolerant(dialect, Script::always(refusal(dialect))).await;
        let quire = Quire::before(&upstream).await;
        for stream in [true, false] {
            let mut body = history(dialect, "lab/mock-model", "sig-testkit-1");
            body["stream"] = json!(stream);
            refused(dialect, quire.send(&post(dialect, &body)).await, 400).await;
        }
        assert_eq!(upstream.completions().len(), 4);
        // Nor is it tried where nothing sealed was sent.
        let response = quire.send(&post(dialect, &request(dialect, json!({})))).await;
        refused(dialect, response, 400).await;
        assert_eq!(upstream.completions().len(), 5, "nothing can be left out");
    }
}

#[tokio::test]
async fn a_translated_request_is_mended_the_same_way() {
    let pairs = Dialect::ALL
        .into_iter()
        .flat_map(|dialect| others(dialect).map(move |other| (dialect, other)));
    for (dialect, other) in pairs.filter(|(_, other)| *other != Dialect::Chat) {
        let thinking = says().reasoning("hm").call("call_1", "exec", json!({}));
        let upstream =
            tolerant(other, [thinking.into(), refusal(other), says().text("fine").into()]).await;
        let quire = Quire::before(&upstream).await;
        let blob = thought(&quire, dialect, "lab/mock-model").await;
        let body = history(dialect, "lab/mock-model", &blob);
        let told = heard(dialect, quire.send(&post(dialect, &body)).await).await;
        told.judged().assert_finished();
        assert_eq!(told.text(), "fine");
        upstream.assert_done();
        let theirs = testkit::seal::seal("hm");
        let asked = upstream.completions();
        assert!(asked[1].contains(&theirs) && !asked[2].contains(&theirs));
    }
}

#[tokio::test]
async fn a_summary_that_quire_sealed_becomes_a_message_of_a_passed_request() {
    let chat = strict(Dialect::Chat, Script::always(says().text("we counted to three"))).await;
    let passed = tolerant(Dialect::Responses, Script::always(says().text("x"))).await;
    let quire = Quire::start(&format!("{}{}", provider("other", &chat), lab(&passed))).await;
    // Codex asks for a summary with a trigger at the end of the input.
    let compact = request(
        Dialect::Responses,
        json!({"model": "other/mock-model", "input": [{"role": "user", "content": "hi"}, {"type": "compaction_trigger"}]}),
    );
    let told =
        heard(Dialect::Responses, quire.send(&post(Dialect::Responses, &compact)).await).await;
    let done = told.events().into_iter().find(|event| event["type"] == "response.output_item.done");
    let item = done.expect("an item")["item"].clone();
    assert_eq!(item["type"], "compaction", "{item}");
    let body = request(
        Dialect::Responses,
        json!({"input": [item, {"type": "compaction", "encrypted_content": "sig-testkit-theirs"}, {"role": "user", "content": "go on"}]}),
    );
    let told = heard(Dialect::Responses, quire.send(&post(Dialect::Responses, &body)).await).await;
    told.assert_finished();
    let input = &passed.bodies()[0]["input"];
    assert_eq!(
        input[0],
        json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "we counted to three"}]})
    );
    assert_eq!(input[1]["encrypted_content"], "sig-testkit-theirs", "what is not quire's stays");
}
