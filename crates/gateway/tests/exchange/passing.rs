//! Where both sides speak one dialect nothing is translated: every byte arrives but the model's
//! name, and beside it quire knows what the answer cost and how it ended.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use testkit::canary;
use testkit::judge::Dialect;
use testkit::script::{Script, Usage, answers, line, replays, says};
use testkit::upstream::Upstream;

use crate::dialects::{heard, others, pair, post, post_raw, request, strict, tolerant, whole};
use crate::stage::{Quire, lab};

/// A body of which almost nothing is usual; `model` is the raw JSON of the name. The content says
/// the name as well, where nothing may change.
fn odd(dialect: Dialect, model: &str) -> String {
    let said = r#"[ {"content" :"lab/mock-model \ud83d\ude00 \/ é","role":"user", "aura":1.0} ]"#;
    let asked = match dialect {
        Dialect::Chat => format!(r#""messages" : {said}"#),
        Dialect::Responses => format!(r#""input" : {said}"#),
        Dialect::Messages => format!(r#""messages" : {said},"max_tokens":4096"#),
    };
    format!(
        " {{\r\n\t\"zeta\":1.50E+2 , \"a\\u0062c\" :-0.0,\"stream\":true,\n \"model\"\t: {model} ,{asked},\
         \"zeta\":[ 1,2 ,{{\"model\":\"lab/mock-model\",\"model\":0}}],\"big\":123456789012345678901234567890,\
         \"nothing\":null, \"\":{{ }}}}\n "
    )
}

/// The body of the last request as it came to the upstream.
fn last_body(upstream: &Upstream) -> String {
    let requests = upstream.requests();
    let body = &requests.last().expect("a request came").body;
    String::from_utf8(body.to_vec()).expect("a request is text")
}

#[tokio::test]
async fn a_request_is_passed_byte_for_byte_but_for_its_model() {
    for dialect in Dialect::ALL {
        let upstream = tolerant(dialect, Script::always(says().text("x"))).await;
        let quire = Quire::before(&upstream).await;
        for name in ["\"lab/mock-model\"", r#""lab\/mock-model""#, r#""\u006cab/mock-model""#] {
            let response = quire.send(&post_raw(dialect, odd(dialect, name))).await;
            assert_eq!(heard(dialect, response).await.text(), "x");
            assert_eq!(last_body(&upstream), odd(dialect, "\"mock-model\""), "{}", dialect.name());
        }
        // A name that is the upstream's own already stays, whatever it is written like.
        for name in ["\"mock-model\"", r#""mock\u002dmodel""#] {
            quire.send(&post_raw(dialect, odd(dialect, name))).await;
            assert_eq!(last_body(&upstream), odd(dialect, name), "{}", dialect.name());
        }
        upstream.assert_no_refusals();
    }
}

#[tokio::test]
async fn what_no_text_can_hold_is_passed_too() {
    for dialect in Dialect::ALL {
        let upstream = tolerant(dialect, Script::default()).await;
        let quire = Quire::before(&upstream).await;
        let body = odd(dialect, "\"lab/mock-model\"").replace(r"\ud83d\ude00", r"\ud83d \udc00");
        // The upstream, which is stricter than most, refuses it; that is its business.
        quire.send(&post_raw(dialect, body.clone())).await;
        let expected = body.replace(" \"lab/mock-model\" ,", " \"mock-model\" ,");
        assert_eq!(last_body(&upstream), expected);
        // The name that counts is the last one, and one is left.
        let twice = body.replacen("{\r\n", "{\"model\":\"quire/demo\",\r\n", 1);
        quire.send(&post_raw(dialect, twice)).await;
        let got = last_body(&upstream);
        assert!(!got.contains("quire/demo") && got.contains("\"model\"\t: \"mock-model\" ,"));
    }
}

#[tokio::test]
async fn a_fallback_that_is_translated_for_changes_nothing_of_what_is_passed() {
    for dialect in Dialect::ALL {
        let first = tolerant(dialect, Script::default()).await;
        let other = others(dialect).next().expect("there are others");
        let second = tolerant(other, Script::always(says().text("spare"))).await;
        let quire = pair(&first, &second, "").await;
        let member = match dialect {
            Dialect::Responses => "input",
            Dialect::Chat | Dialect::Messages => "messages",
        };
        let body = |model: &str| {
            format!(
                r#"{{"model":"{model}","max_tokens":9,"{member}":[{{"role":"user","content":"half \ud83d"}}]}}"#
            )
        };
        // The upstream refuses what it cannot read, so nobody else is asked.
        quire.send(&post_raw(dialect, body("lab/mock-model"))).await;
        assert_eq!(last_body(&first), body("mock-model"));
        assert!(second.requests().is_empty());
        quire.send(&post_raw(dialect, body("spare/mock-model"))).await;
        assert!(last_body(&second).contains(r"half \ufffd"), "{}", last_body(&second));
    }
}

#[tokio::test]
async fn a_packed_request_is_unpacked_and_otherwise_the_same() {
    for dialect in Dialect::ALL {
        let upstream = tolerant(dialect, Script::always(says().text("x"))).await;
        let quire = Quire::before(&upstream).await;
        let body = odd(dialect, "\"lab/mock-model\"");
        let level = ruzstd::encoding::CompressionLevel::Fastest;
        let packed = ruzstd::encoding::compress_to_vec(body.as_bytes(), level);
        let asks = post_raw(dialect, packed).header("content-encoding", "zstd");
        heard(dialect, quire.send(&asks).await).await.assert_finished();
        assert_eq!(last_body(&upstream), odd(dialect, "\"mock-model\""));
        upstream.assert_no_refusals();
    }
}

/// Any JSON as text: odd numbers, escapes, space, names that stand twice.
fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,3})?",
        "\"([a-z é/{}:,\\[\\]]|\\\\n|\\\\/|\\\\u00e9|\\\\ud800|\\\\\"|\\\\\\\\){0,12}\"",
    ];
    let space = "[ \t\r\n]{0,2}";
    leaf.prop_recursive(3, 24, 4, move |inner| {
        let list = proptest::collection::vec((space, inner.clone(), space), 0..4).prop_map(|all| {
            let all: Vec<String> =
                all.iter().map(|(before, one, after)| format!("{before}{one}{after}")).collect();
            format!("[{}]", all.join(","))
        });
        let member = (space, "[a-c]{0,2}", space, inner);
        let object = proptest::collection::vec(member, 0..4).prop_map(|all| {
            let all: Vec<String> = all
                .iter()
                .map(|(before, name, after, one)| format!("{before}\"{name}\"{after}:{one}"))
                .collect();
            format!("{{{}}}", all.join(","))
        });
        prop_oneof![list, object]
    })
}

#[test]
fn any_request_is_passed_byte_for_byte() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stages = Dialect::ALL.map(|dialect| {
        runtime.block_on(async {
            let upstream = tolerant(dialect, Script::always(says().text("x"))).await;
            let quire = Quire::before(&upstream).await;
            (dialect, upstream, quire)
        })
    });
    let members = || proptest::collection::vec(("[d-f\\\\/ ]{1,2}", value()), 0..4);
    proptest!(ProptestConfig::with_cases(40), |(before in members(), after in members())| {
        let raw = |(name, value): &(String, String)| {
            format!("\"{}\" :{value}", name.replace('\\', "\\\\"))
        };
        for (dialect, upstream, quire) in &stages {
            let core = match dialect {
                Dialect::Chat => r#""messages":[{"role":"user","content":"hi"}]"#,
                Dialect::Responses => r#""input":"hi""#,
                Dialect::Messages => r#""messages":[{"role":"user","content":"hi"}],"max_tokens":9"#,
            };
            let body = |model: &str| {
                let mut parts: Vec<String> = before.iter().map(raw).collect();
                parts.push(format!("\"model\":\"{model}\", {core}"));
                parts.extend(after.iter().map(raw));
                format!("{{{}}}", parts.join(",\n"))
            };
            runtime.block_on(quire.send(&post_raw(*dialect, body("lab/mock-model"))));
            prop_assert_eq!(last_body(upstream), body("mock-model"));
        }
    });
    // The upstream holds and answers on this runtime.
    runtime.block_on(async { drop(stages) });
}

/// A stream with all that may stand in one: what `dialect` sends, and between its events comments,
/// events that nobody knows, fields of the protocol, data in two lines, and space.
fn odd_stream(dialect: Dialect, model: &str) -> String {
    let mut asked = request(dialect, json!({"model": model}));
    asked["stream_options"] = json!({"include_usage": true});
    let answer = says().reasoning("hm").text("über 🌍 \"model\":\"x\"").call(
        "call_1",
        "exec",
        json!({"cmd": "ls", "model": "mock-model"}),
    );
    // After the terminal event of Responses nobody waits for more.
    let answer = if dialect == Dialect::Responses { answer.without_done() } else { answer };
    let stream = String::from_utf8(answer.streamed_in(dialect, &asked)).unwrap();
    let mut events: Vec<String> = stream.split_inclusive("\n\n").map(str::to_owned).collect();
    let last = events.len() - 1;
    // The last event in another spelling: another order of members would be the same JSON.
    events[last] = events[last].replacen("data: ", "id: 7\ndata:", 1);
    let odd = [
        ": comment\n\n",
        "event: sparkle\ndata: {\"type\":\"sparkle\",\"model\" : \"mock-model\",\"n\":1.0e2}\n\n",
        "retry: 10\n\n\n\n",
        "event: sparkle\ndata: {\"type\":\ndata: \"sparkle\"}\n\n",
        "data: not json \u{1f600}\n\n",
    ];
    // Chat knows chunks only, all of which name their model.
    let odd = odd.iter().filter(|odd| dialect != Dialect::Chat || !odd.contains("mock-model"));
    for (place, odd) in odd.enumerate() {
        events.insert(2 + 2 * place, (*odd).to_owned());
    }
    events.concat()
}

#[tokio::test]
async fn a_stream_is_passed_byte_for_byte_but_for_the_models_name() {
    for dialect in Dialect::ALL {
        let theirs = odd_stream(dialect, "mock-model-2026");
        let ours = |name: &str| theirs.replace("mock-model-2026", name);
        assert_ne!(theirs, ours("x"));
        let crlf = |text: &str| text.replace('\n', "\r\n");
        let upstream = strict(dialect, Script::default()).await;
        let quire = Quire::before(&upstream).await;
        for (name, step, expected) in [
            ("at once", replays(theirs.clone()).into(), ours("lab/mock-model")),
            (
                "in pieces",
                replays(theirs.clone()).over(line().split_every(7).gap(Duration::ZERO)),
                ours("lab/mock-model"),
            ),
            ("crlf", replays(crlf(&theirs)).into(), crlf(&ours("lab/mock-model"))),
            (
                "crlf in pieces",
                replays(crlf(&theirs)).over(line().split_every(3).gap(Duration::ZERO)),
                crlf(&ours("lab/mock-model")),
            ),
            ("the same name", replays(ours("lab/mock-model")).into(), ours("lab/mock-model")),
        ] {
            upstream.set_script(Script::from(step));
            let response = quire.send(&post(dialect, &request(dialect, json!({})))).await;
            let told = heard(dialect, response).await;
            assert_eq!(told.raw, expected, "{} {name}", dialect.name());
            assert!(!told.raw.contains("\"quire\""));
            assert_eq!(told.notes, None);
        }
        // Under its own name nothing at all changes.
        upstream.set_script(replays(ours("mock-model")));
        let own = request(dialect, json!({"model": "mock-model"}));
        let told = heard(dialect, quire.send(&post(dialect, &own)).await).await;
        assert_eq!(told.raw, ours("mock-model"));
        upstream.assert_done();
        for row in quire.rows(6).await {
            assert_eq!(row["outcome"], "completed", "{row:#}");
            assert_eq!(row["usage"]["total"], 18, "{row:#}");
        }
    }
}

#[tokio::test]
async fn a_whole_answer_is_passed_byte_for_byte_but_for_the_models_name() {
    for dialect in Dialect::ALL {
        let asked = request(dialect, json!({"stream": false, "model": "mock-model"}));
        let answer = says().reasoning("hm").text("a \"model\": b").answered_in(dialect, &asked);
        let theirs = String::from_utf8(answer).unwrap();
        let theirs = theirs.replacen('{', " {\r\n \"sparkle\" : [1.0e2,\"\\u00e9\\ud800\"],", 1);
        let upstream = strict(dialect, Script::always(answers(200).body(theirs.clone()))).await;
        let quire = Quire::before(&upstream).await;
        for (name, expected) in [
            ("lab/mock-model", theirs.replace("\"mock-model\"", "\"lab/mock-model\"")),
            ("mock-model", theirs.clone()),
        ] {
            let body = request(dialect, json!({"stream": false, "model": name}));
            let mut response = quire.send(&post(dialect, &body)).await;
            assert_eq!(response.status(), 200);
            assert_eq!(response.header("content-type"), Some("application/json"));
            assert!(response.header("x-quire-request-id").is_some());
            assert_eq!(response.header("x-quire-notes"), None);
            assert_eq!(response.text().await.unwrap(), expected, "{}", dialect.name());
        }
        upstream.assert_no_refusals();
    }
}

#[tokio::test]
async fn notes_of_what_is_passed_stand_in_the_head_alone() {
    for dialect in Dialect::ALL {
        let upstream = strict(dialect, Script::always(says().text("x"))).await;
        let quire = Quire::before(&upstream).await;
        for stream in [true, false] {
            let body = request(dialect, json!({"model": "lab/newer-model", "stream": stream}));
            let mut response = quire.send(&post(dialect, &body)).await;
            assert_eq!(response.header("x-quire-notes"), Some("model-unlisted"));
            let text = response.text().await.unwrap();
            assert!(!text.contains("quire") && text.contains("\"lab/newer-model\""), "{text}");
        }
        for row in quire.rows(2).await {
            assert_eq!(row["notes"], json!([{"code": "model-unlisted", "n": 1}]));
        }
    }
}

#[tokio::test]
async fn usage_and_ends_of_what_is_passed_are_in_the_log() {
    let usage = Usage { prompt: 20, completion: 9, cached: 5, reasoning: 3 };
    for dialect in Dialect::ALL {
        let upstream = strict(dialect, Script::default()).await;
        let quire = Quire::before(&upstream).await;
        for stream in [true, false] {
            upstream.set_script([
                says().text("answer").usage(usage).into(),
                says().text("answer").usage(usage).finish("length").into(),
                says().call("call_1", "exec", json!({})).usage(usage).into(),
            ]);
            for _ in 0..3 {
                let mut body = request(dialect, json!({"stream": stream}));
                if dialect == Dialect::Chat && stream {
                    body["stream_options"] = json!({"include_usage": true});
                }
                let mut response = quire.send(&post(dialect, &body)).await;
                assert_eq!(response.status(), 200);
                response.bytes().await.unwrap();
            }
        }
        upstream.assert_done();
        let rows = quire.rows(6).await;
        // Messages tells how many thinking tokens there were only where there were any.
        let counts = json!({"input": 20, "cached": 5, "cache_written": 0, "output": 9, "reasoning": 3, "total": 29});
        let outcomes: Vec<&Value> = rows.iter().rev().map(|row| &row["outcome"]).collect();
        let expected = ["completed", "incomplete", "completed"].repeat(2);
        assert_eq!(outcomes, expected, "{}", dialect.name());
        for row in rows {
            assert_eq!(row["usage"], counts, "{} {row:#}", dialect.name());
            let name = json!(dialect.name());
            assert_eq!((&row["dialect_in"], &row["dialect_out"]), (&name, &name));
            assert_eq!(
                (&row["provider"], &row["model_used"]),
                (&json!("lab"), &json!("mock-model"))
            );
            assert!(row["response_bytes"].as_u64() > Some(50) || row["stream"] == false, "{row:#}");
        }
    }
}

/// Headers of clients, and whether an upstream of a dialect is told of them.
const OF_CLIENTS: [(&str, &str, Option<Dialect>); 16] = [
    ("anthropic-version", "2026-01-01", Some(Dialect::Messages)),
    ("anthropic-beta", "context-1m-2025-08-07,fine-grained-2025", Some(Dialect::Messages)),
    ("openai-beta", "responses=experimental", Some(Dialect::Responses)),
    ("user-agent", "claude-cli/2.1.329 (external)", None),
    ("authorization", "Bearer the-clients-own", None),
    ("x-api-key", "the-clients-own", None),
    ("cookie", "session=1", None),
    ("x-stainless-lang", "js", None),
    ("x-app", "cli", None),
    ("originator", "codex_exec", None),
    ("x-codex-turn-metadata", "{}", None),
    ("chatgpt-account-id", "acc", None),
    ("session-id", "s", None),
    ("accept-language", "de", None),
    ("x-forwarded-for", "10.0.0.1", None),
    ("te", "trailers", None),
];

#[tokio::test]
async fn only_the_headers_that_change_a_bodys_meaning_go_with_it() {
    for caller in Dialect::ALL {
        for callee in Dialect::ALL {
            let upstream = strict(callee, Script::always(says().text("x"))).await;
            let quire = Quire::before(&upstream).await;
            let mut asks = post(caller, &whole(caller));
            for (name, value, _) in OF_CLIENTS {
                asks = asks.header(name, value);
            }
            let response = quire.send(&asks).await;
            assert_eq!(response.status(), 200, "{} to {}", caller.name(), callee.name());
            upstream.assert_no_refusals();
            let got = &upstream.requests()[0];
            for (name, value, meant) in OF_CLIENTS {
                let openai = |dialect: Dialect| dialect != Dialect::Messages;
                let passes =
                    caller == callee && meant.is_some_and(|meant| openai(meant) == openai(callee));
                let found = got.header(name).filter(|found| *found == value);
                assert_eq!(
                    found.is_some(),
                    passes,
                    "{name} from {} to {}: {:?}",
                    caller.name(),
                    callee.name(),
                    got.headers
                );
            }
            let agent = got.header("user-agent").unwrap();
            assert!(agent.starts_with("quire/"), "{agent}");
            let usual = [
                "host",
                "content-type",
                "content-length",
                "accept",
                "accept-encoding",
                "user-agent",
                "authorization",
                "x-api-key",
                "anthropic-version",
                "anthropic-beta",
                "openai-beta",
                "connection",
            ];
            for (name, _) in &got.headers.0 {
                assert!(usual.contains(&name.to_ascii_lowercase().as_str()), "{name}");
            }
        }
    }
}

#[tokio::test]
async fn a_header_of_several_lines_is_passed_with_all_of_them() {
    for (dialect, name) in
        [(Dialect::Messages, "anthropic-beta"), (Dialect::Responses, "openai-beta")]
    {
        let upstream = strict(dialect, Script::always(says().text("x"))).await;
        let quire = Quire::before(&upstream).await;
        let asks = post(dialect, &whole(dialect)).header(name, "one").header(name, "two,three");
        assert_eq!(quire.send(&asks).await.status(), 200);
        let got = upstream.requests().remove(0);
        assert_eq!(got.headers.all(name).collect::<Vec<_>>(), ["one", "two,three"]);
    }
}

#[tokio::test]
async fn a_version_is_given_where_the_caller_has_none_and_any_of_the_callers_is_taken() {
    let upstream = strict(Dialect::Messages, Script::always(says().text("x"))).await;
    let quire = Quire::before(&upstream).await;
    let plain = post(Dialect::Messages, &whole(Dialect::Messages));
    for (given, sent) in [
        (None, "2023-06-01"),
        (Some("2019-01-01"), "2019-01-01"),
        (Some("2031-12-31"), "2031-12-31"),
    ] {
        let asks = match given {
            Some(version) => plain.clone().header("anthropic-version", version),
            None => plain.clone(),
        };
        assert_eq!(quire.send(&asks).await.status(), 200);
        let versions = upstream.requests();
        assert_eq!(versions.last().unwrap().header("anthropic-version"), Some(sent));
    }
    // A caller of another dialect knows no version.
    let chat = post(Dialect::Chat, &whole(Dialect::Chat)).header("anthropic-version", "2031-12-31");
    assert_eq!(quire.send(&chat).await.status(), 200);
    assert_eq!(upstream.requests()[3].header("anthropic-version"), Some("2023-06-01"));
}

#[tokio::test]
async fn a_key_travels_as_the_dialect_or_the_configuration_has_it() {
    let key = canary::API_KEY;
    let bearer = format!("Bearer {key}");
    for dialect in Dialect::ALL {
        let usual = match dialect {
            Dialect::Messages => ("x-api-key", key),
            Dialect::Chat | Dialect::Responses => ("authorization", bearer.as_str()),
        };
        for (setting, (name, value)) in [
            ("", usual),
            ("auth = \"bearer\"\n", ("authorization", bearer.as_str())),
            ("auth = { header = \"api-key\" }\n", ("api-key", key)),
            ("auth = { header = \"x-api-key\" }\n", ("x-api-key", key)),
        ] {
            let upstream = strict(dialect, Script::always(says().text("x"))).await;
            let quire = Quire::start(&format!("{}{setting}", lab(&upstream))).await;
            let asks =
                post(dialect, &whole(dialect)).bearer("theirs").header("x-api-key", "theirs");
            assert_eq!(quire.send(&asks).await.status(), 200);
            let got = &upstream.requests()[0];
            for header in ["authorization", "x-api-key", "api-key"] {
                let expected = (header == name).then_some(value);
                assert_eq!(got.header(header), expected, "{} {setting}", dialect.name());
            }
        }
    }
}

#[tokio::test]
async fn no_header_of_an_upstream_reaches_the_client() {
    let theirs = [
        ("openai-model", "mock-model"),
        ("openai-organization", "org"),
        ("x-models-etag", "e"),
        ("x-codex-primary-used-percent", "97"),
        ("set-cookie", "a=b"),
        ("anthropic-ratelimit-requests-remaining", "1"),
        ("x-request-id", "req_theirs"),
        ("request-id", "req_theirs"),
        ("server", "theirs"),
        ("keep-alive", "timeout=5"),
        ("alt-svc", "h3=\":443\""),
        ("access-control-allow-origin", "*"),
    ];
    for dialect in Dialect::ALL {
        let mut answer = says().text("x");
        for (name, value) in theirs {
            answer = answer.header(name, value);
        }
        let upstream = strict(dialect, Script::always(answer)).await;
        let quire = Quire::before(&upstream).await;
        for stream in [true, false] {
            let response =
                quire.send(&post(dialect, &request(dialect, json!({"stream": stream})))).await;
            assert_eq!(response.status(), 200);
            for (name, value) in &response.headers().0 {
                let known = [
                    "content-type",
                    "content-length",
                    "transfer-encoding",
                    "cache-control",
                    "date",
                    "x-quire-request-id",
                    // quire's own, under the names that SDKs look for.
                    "x-request-id",
                    "request-id",
                    "connection",
                ];
                assert_ne!(value, "req_theirs", "{name}");
                assert!(known.contains(&name.to_ascii_lowercase().as_str()), "{name}: {value}");
            }
        }
    }
}
