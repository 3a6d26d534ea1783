//! In which of its dialects a provider is asked: the caller's own, unless its endpoint there cannot
//! do what the request wants. And which conversation a request is part of.

use serde_json::{Value, json};
use testkit::canary;
use testkit::judge::Dialect;
use testkit::script::{Script, says};
use testkit::upstream::Upstream;

use crate::dialects::{heard, post, request, strict};
use crate::stage::Quire;

/// A provider `lab` that speaks all of these, the preferred one first.
fn polyglot(upstreams: &[Upstream], model: &str) -> String {
    let mut config = format!(
        "[providers.lab]\nbase_url = \"http://127.0.0.1:9/v1\"\napi_key = \"{}\"\nmodels = [{model}]\n",
        canary::API_KEY
    );
    let listed: Vec<String> =
        upstreams.iter().map(|upstream| format!("\"{}\"", upstream.dialect().name())).collect();
    config.push_str(&format!("dialect = [{}]\n", listed.join(", ")));
    for upstream in upstreams {
        let (dialect, url) = (upstream.dialect().name(), upstream.base_url());
        config.push_str(&format!("[providers.lab.dialects.{dialect}]\nbase_url = \"{url}\"\n"));
    }
    config
}

async fn all(first: Dialect) -> Vec<Upstream> {
    let mut upstreams = Vec::new();
    let rest = Dialect::ALL.into_iter().filter(|dialect| *dialect != first);
    for dialect in std::iter::once(first).chain(rest) {
        upstreams.push(strict(dialect, Script::always(says().text("x"))).await);
    }
    upstreams
}

/// The dialects in which somebody was asked.
fn asked(upstreams: &[Upstream]) -> Vec<Dialect> {
    let busy = upstreams.iter().filter(|upstream| !upstream.completions().is_empty());
    busy.map(Upstream::dialect).collect()
}

#[tokio::test]
async fn a_provider_of_several_dialects_is_asked_in_the_callers_own() {
    for first in Dialect::ALL {
        for caller in Dialect::ALL {
            let upstreams = all(first).await;
            let quire = Quire::start(&polyglot(&upstreams, "\"mock-model\"")).await;
            let response = quire.send(&post(caller, &request(caller, json!({})))).await;
            heard(caller, response).await.judged().assert_finished();
            assert_eq!(asked(&upstreams), [caller]);
            let row = quire.rows(1).await.remove(0);
            assert_eq!(row["dialect_out"], caller.name());
        }
    }
}

#[tokio::test]
async fn a_provider_without_the_callers_dialect_is_asked_in_the_one_it_prefers() {
    for caller in Dialect::ALL {
        for first in crate::dialects::others(caller) {
            let mut upstreams = all(first).await;
            upstreams.retain(|upstream| upstream.dialect() != caller);
            let quire = Quire::start(&polyglot(&upstreams, "\"mock-model\"")).await;
            let response = quire.send(&post(caller, &request(caller, json!({})))).await;
            heard(caller, response).await.judged().assert_finished();
            assert_eq!(asked(&upstreams), [first]);
        }
    }
}

#[tokio::test]
async fn freeform_tools_go_where_they_are_understood() {
    let codex = request(
        Dialect::Responses,
        json!({"tools": [{"type": "custom", "name": "apply_patch", "description": "edits files", "format": {"type": "text"}}]}),
    );
    let plain = request(
        Dialect::Responses,
        json!({"tools": [{"type": "function", "name": "exec", "parameters": {"type": "object", "properties": {}}, "strict": false}]}),
    );
    let poor = "{ id = \"mock-model\", responses = { custom_tools = false } }";
    for (model, body, dialect) in [
        ("\"mock-model\"", &codex, Dialect::Responses),
        (poor, &codex, Dialect::Chat),
        (poor, &plain, Dialect::Responses),
    ] {
        let mut upstreams = all(Dialect::Chat).await;
        for upstream in &upstreams {
            upstream.set_script(Script::always(says().call(
                "call_1",
                if *body == codex { "apply_patch" } else { "exec" },
                json!({"input": "*** Begin Patch"}),
            )));
        }
        let quire = Quire::start(&polyglot(&upstreams, model)).await;
        let response = quire.send(&post(Dialect::Responses, body)).await;
        let told = heard(Dialect::Responses, response).await;
        told.assert_finished();
        assert_eq!(asked(&upstreams), [dialect], "{model}");
        if dialect == Dialect::Chat {
            assert!(told.judged().raw.contains("custom_tool_call"), "{}", told.raw);
        }
        upstreams.iter().for_each(Upstream::assert_no_refusals);
        // One that has no other endpoint is asked at that one.
        upstreams.retain(|upstream| upstream.dialect() == Dialect::Responses);
        let quire = Quire::start(&polyglot(&upstreams, model)).await;
        heard(Dialect::Responses, quire.send(&post(Dialect::Responses, body)).await).await;
        assert_eq!(asked(&upstreams), [Dialect::Responses]);
    }
}

/// A caller's dialect, headers and members, and the conversation that they name.
type Way<'w> = (Dialect, &'w [(&'w str, &'w str)], Value, Option<&'w str>);

#[tokio::test]
async fn every_client_says_its_conversation_in_its_own_way() {
    let upstreams = all(Dialect::Chat).await;
    let quire = Quire::start(&polyglot(&upstreams, "\"mock-model\"")).await;
    let user = json!({"device_id": "d", "account_uuid": "", "session_id": "in-user"}).to_string();
    let ways: [Way<'_>; 10] = [
        (
            Dialect::Responses,
            &[("session-id", "codex"), ("thread-id", "t")],
            json!({"prompt_cache_key": "key"}),
            Some("codex"),
        ),
        (
            Dialect::Messages,
            &[("x-claude-code-session-id", "claude")],
            json!({"metadata": {"user_id": user}}),
            Some("claude"),
        ),
        (Dialect::Messages, &[], json!({"metadata": {"user_id": user}}), Some("in-user")),
        (Dialect::Messages, &[], json!({"metadata": {"user_id": "somebody"}}), None),
        (
            Dialect::Chat,
            &[("x-session-id", "ses_1"), ("x-session-affinity", "ses_1")],
            json!({}),
            Some("ses_1"),
        ),
        (Dialect::Messages, &[("x-session-affinity", "ses_2")], json!({}), Some("ses_2")),
        (Dialect::Responses, &[("session_id", "pi")], json!({}), Some("pi")),
        (Dialect::Responses, &[], json!({"prompt_cache_key": "key"}), Some("key")),
        (Dialect::Chat, &[], json!({"prompt_cache_key": "key"}), Some("key")),
        (Dialect::Chat, &[], json!({}), None),
    ];
    for (count, (dialect, headers, members, session)) in ways.into_iter().enumerate() {
        let mut asks = post(dialect, &request(dialect, members));
        for (name, value) in headers {
            asks = asks.header(name, value);
        }
        heard(dialect, quire.send(&asks).await).await.assert_finished();
        let rows = quire.rows(count + 1).await;
        assert_eq!(rows[0]["session"], json!(session), "{} {headers:?}", dialect.name());
    }
    // The header is quire's to read; no upstream is told of it.
    for upstream in &upstreams {
        assert!(
            upstream
                .requests()
                .iter()
                .all(|got| got.header("session-id").is_none()
                    && got.header("x-session-id").is_none())
        );
    }
}

#[tokio::test]
async fn a_conversation_has_one_cache_key_where_the_upstream_looks_for_one() {
    let mut upstreams = all(Dialect::Responses).await;
    upstreams.retain(|upstream| upstream.dialect() == Dialect::Responses);
    let quire = Quire::start(&polyglot(&upstreams, "\"mock-model\"")).await;
    for (session, members) in [
        ("one", json!({})),
        ("one", json!({})),
        ("two", json!({})),
        ("two", json!({"prompt_cache_key": "own"})),
    ] {
        let asks = post(Dialect::Chat, &request(Dialect::Chat, members));
        let asks = asks.header("x-session-id", session);
        heard(Dialect::Chat, quire.send(&asks).await).await.assert_finished();
    }
    let keys: Vec<String> = upstreams[0]
        .bodies()
        .iter()
        .map(|body| body["prompt_cache_key"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(keys[0], keys[1]);
    assert_ne!(keys[1], keys[2]);
    assert_eq!(keys[3], "own");
    assert!(keys[0].len() == 32 && !keys[0].contains("one"), "{keys:?}");
}

#[tokio::test]
async fn an_answer_has_its_id_where_each_sdk_looks_for_it() {
    let upstreams = all(Dialect::Chat).await;
    let quire = Quire::start(&polyglot(&upstreams, "\"mock-model\"")).await;
    for dialect in Dialect::ALL {
        let response = quire.send(&post(dialect, &request(dialect, json!({})))).await;
        let name = if dialect == Dialect::Messages { "request-id" } else { "x-request-id" };
        let id = response.header("x-quire-request-id").expect("it has an id").to_owned();
        assert_eq!(response.header(name), Some(id.as_str()), "{}", dialect.name());
        heard(dialect, response).await.assert_finished();
    }
}

#[tokio::test]
async fn a_server_that_knows_no_developer_is_told_of_the_system() {
    let mut upstreams = all(Dialect::Chat).await;
    upstreams.retain(|upstream| upstream.dialect() == Dialect::Chat);
    let quire = Quire::start(&polyglot(&upstreams, "\"mock-model\"")).await;
    let messages =
        json!([{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hi"}]);
    let asks = post(Dialect::Chat, &request(Dialect::Chat, json!({"messages": messages})));
    let answer = heard(Dialect::Chat, quire.send(&asks).await).await;
    assert_eq!(answer.notes.as_deref(), Some("developer-as-system"));
    answer.assert_finished();
    assert_eq!(upstreams[0].bodies()[0]["messages"][0]["role"], "system");
    upstreams[0].assert_no_refusals();
}
