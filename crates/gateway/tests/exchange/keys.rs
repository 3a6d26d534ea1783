//! Client keys: who is let in, and how fast a change counts.

use std::time::Duration;

use tempfile::TempDir;
use testkit::canary;
use testkit::client::{Client, Request};
use testkit::script::{Script, says};
use testkit::upstream::Upstream;
use tokio::time::timeout;

use crate::stage::{
    Process, Quire, ask, lab, plain, provider, quire, refused, run, told, write_config,
};

#[tokio::test]
async fn without_keys_loopback_admits_any_bearer_and_forwards_none() {
    let upstream = Upstream::start(Script::always(says().text("x"))).await;
    let quire = Quire::before(&upstream).await;
    for key in ["", "anything", "sk-proj-whatever", canary::CLIENT_KEY, "é", &"k".repeat(5000)] {
        told(quire.send(&ask(&plain()).bearer(key)).await).await.assert_ended("response.completed");
        told(quire.send(&ask(&plain()).header("x-api-key", key)).await)
            .await
            .assert_ended("response.completed");
    }
    told(quire.send(&ask(&plain()).header("authorization", "Basic eDp5")).await).await;
    told(quire.ask(&plain()).await).await;
    let own = format!("Bearer {}", canary::API_KEY);
    assert!(
        upstream.requests().iter().all(|request| request.header("authorization") == Some(&own))
    );
    upstream.assert_no_refusals();
}

#[tokio::test]
async fn a_provider_without_a_key_gets_no_authorization() {
    let upstream = Upstream::start(says().text("x")).await;
    let config = lab(&upstream)
        .lines()
        .filter(|line| !line.starts_with("api_key"))
        .collect::<Vec<_>>()
        .join("\n");
    let quire = Quire::start(&config).await;
    told(quire.send(&ask(&plain()).bearer("the-clients")).await)
        .await
        .assert_ended("response.completed");
    assert_eq!(upstream.requests()[0].header("authorization"), None);
}

#[tokio::test]
async fn with_keys_a_bad_one_is_403_and_a_good_one_works_in_both_headers() {
    let upstream = Upstream::start(Script::always(says().text("x"))).await;
    let quire = Quire::before(&upstream).await;
    let key = quire.app().store.keys().add("laptop").await.unwrap();
    quire.app().keys.refresh().await.unwrap();
    let key = key.expose();
    let almost = format!("{}x", &key[..key.len() - 1]);
    for wrong in ["", "wrong", &almost, &key[1..], &key.to_uppercase()] {
        for request in [
            ask(&plain()),
            Request::get("/v1/models"),
            Request::get("/metrics"),
            Request::get("/nothing"),
        ] {
            let response = quire.send(&request.clone().bearer(wrong)).await;
            assert_eq!(response.header("x-should-retry"), Some("false"));
            let error = refused(response, 403).await;
            assert!(error["message"].as_str().unwrap().contains("quire key add"), "{error}");
            refused(quire.send(&request.header("x-api-key", wrong)).await, 403).await;
        }
    }
    refused(quire.ask(&plain()).await, 403).await;
    assert!(upstream.requests().is_empty());
    told(quire.send(&ask(&plain()).bearer(key)).await).await.assert_ended("response.completed");
    told(quire.send(&ask(&plain()).header("x-api-key", key)).await)
        .await
        .assert_ended("response.completed");
    for open in ["/health", "/ready"] {
        assert_eq!(quire.client().get(open).await.unwrap().status(), 200);
    }
    assert_eq!(quire.rows(2).await[0]["client_key"], "laptop");
}

/// Waits until a request with this key is answered with this status.
async fn until(client: Client, key: &str, status: u16) {
    let waiting = async {
        while client.send(&Request::get("/v1/models").bearer(key)).await.unwrap().status() != status
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(5), waiting)
        .await
        .expect("a change of keys counts within five seconds");
}

#[tokio::test]
async fn keys_of_the_command_line_count_within_seconds() {
    let home = TempDir::new().unwrap();
    let process = Process::start(home.path(), "info");
    assert_eq!(process.client().get("/v1/models").await.unwrap().status(), 200);
    let key = |name: &str| {
        let output = run(home.path(), &["key", "add", name]);
        assert!(output.status.success());
        assert!(String::from_utf8_lossy(&output.stderr).contains("not shown again"));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let (first, second) = (key("first"), key("second"));
    until(process.client(), "wrong", 403).await;
    until(process.client(), &second, 200).await;
    let list = String::from_utf8(run(home.path(), &["key", "list", "--json"]).stdout).unwrap();
    assert!(list.contains("\"first\"") && list.contains("\"second\"") && !list.contains(&first));
    assert_eq!(
        run(home.path(), &["key", "add", "first"]).status.code(),
        Some(1),
        "names are unique"
    );
    assert_eq!(run(home.path(), &["key", "revoke", "nobody"]).status.code(), Some(1));
    assert!(run(home.path(), &["key", "revoke", "second"]).status.success());
    until(process.client(), &second, 403).await;
    until(process.client(), &first, 200).await;
    assert!(run(home.path(), &["key", "revoke", "first"]).status.success());
    until(process.client(), "anything", 200).await;
}

#[tokio::test]
async fn an_address_that_others_reach_needs_a_key_at_the_start_and_later() {
    let upstream = Upstream::start(Script::always(says().text("x"))).await;
    let home = TempDir::new().unwrap();
    write_config(home.path(), &format!("[server]\nlisten = \"0.0.0.0:0\"\n{}", lab(&upstream)));
    let refused_start = run(home.path(), &["serve"]);
    let words = String::from_utf8_lossy(&refused_start.stderr).into_owned();
    assert_eq!(refused_start.status.code(), Some(1), "{words}");
    assert!(words.contains("config.toml:2") && words.contains("quire key add"), "{words}");
    assert_eq!(run(home.path(), &["check"]).status.code(), Some(1));
    assert_eq!(run(home.path(), &["serve", "--listen", "[::]:0"]).status.code(), Some(1));
    let key = String::from_utf8(run(home.path(), &["key", "add", "lan"]).stdout).unwrap();
    let process = Process::start_as(quire(home.path()).arg("serve"), "info");
    let client = Client::new(([127, 0, 0, 1], process.address.port()).into());
    told(client.send(&ask(&plain()).bearer(key.trim())).await.unwrap()).await;
    // Without its last key it admits nobody, rather than everybody.
    assert!(run(home.path(), &["key", "revoke", "lan"]).status.success());
    until(client, key.trim(), 403).await;
    refused(client.send(&ask(&plain())).await.unwrap(), 403).await;
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn providers_keep_their_keys_apart() {
    let (one, two) = (
        Upstream::with().key(canary::API_KEY).start(Script::always(says().text("x"))).await,
        Upstream::with().key(canary::OTHER_API_KEY).start(Script::always(says().text("y"))).await,
    );
    let second = provider("den", &two).replace(canary::API_KEY, "${DEN_KEY}");
    let quire =
        Quire::with(&format!("{}{second}", lab(&one)), &[("DEN_KEY", canary::OTHER_API_KEY)]).await;
    assert_eq!(quire.stream(&plain()).await.text(), "x");
    assert_eq!(
        quire
            .stream(&crate::stage::body(serde_json::json!({"model": "den/mock-model"})))
            .await
            .text(),
        "y"
    );
}
