//! Whatever a client sends, the upstream gets a request that a strict server accepts, or the client
//! gets a fault that names the member.

mod common;

use common::asked::{recorded, request};
use common::{PAIRS, target};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use testkit::strict::{self, Profile};
use wire::dialect::Dialect;
use wire::drive;
use wire::note::Code;

/// What a strict server says against the request, if anything.
fn refusals(profile: Profile, body: &str) -> Vec<String> {
    let body: Value = serde_json::from_str(body).expect("a request is JSON");
    let refusals = strict::check_all(profile, &body);
    refusals
        .into_iter()
        .map(|refusal| format!("{}: {} at {}", refusal.rule, refusal.message, refusal.at))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn strict_servers_accept_whatever_is_sent(mut request in request()) {
        // Some servers demand that a user speaks.
        let items = request["input"].as_array_mut().expect("it is a list");
        items.push(json!({"type": "message", "role": "user", "content": "go on"}));
        for (profile, name) in PAIRS {
            let sent = drive::request(&request.to_string(), Dialect::Responses, Dialect::Chat, &target(name));
            let sent = sent.map_err(|fault| TestCaseError::fail(format!("{name}: {fault}")))?;
            let refusals = refusals(profile, &sent.body);
            prop_assert!(refusals.is_empty(), "{name}: {refusals:#?}\n{}", sent.body);
        }
    }

    #[test]
    fn any_json_in_any_place_is_accepted_or_refused_by_name(
        mut request in request(),
        place in "(/input/0|/input/1|/tools/0|/text|/reasoning|/tool_choice)?(/content|/type|/call_id|/output|/name|/parameters|/effort|/format)?(/0)?",
        value in select(vec![json!(null), json!(1.5), json!("x"), json!([]), json!({}), json!([{}]), json!([null]), json!(true)]),
    ) {
        if let Some(member) = request.pointer_mut(&place) {
            *member = value;
        }
        for (_, name) in PAIRS {
            match drive::request(&request.to_string(), Dialect::Responses, Dialect::Chat, &target(name)) {
                Ok(sent) => prop_assert!(serde_json::from_str::<Value>(&sent.body).is_ok()),
                Err(fault) => prop_assert!(fault.param.is_some() || place.is_empty(), "{fault}"),
            }
        }
    }

    #[test]
    fn arbitrary_text_is_refused_without_harm(text in any::<String>(), json in r#"[\[\]{}":,a-c0-9 ]{0,40}"#) {
        for text in [text, json] {
            let _ = drive::request(&text, Dialect::Responses, Dialect::Chat, &target("careful"));
        }
    }
}

#[test]
fn recorded_codex_requests_reach_every_strict_server_and_nothing_of_them_is_unknown() {
    let bodies = recorded();
    assert!(bodies.len() >= 30, "only {} bodies were found", bodies.len());
    let mut wrong = Vec::new();
    for (file, body) in &bodies {
        for (profile, name) in PAIRS {
            let sent = match drive::request(
                &body.to_string(),
                Dialect::Responses,
                Dialect::Chat,
                &target(name),
            ) {
                Ok(sent) => sent,
                Err(fault) => {
                    wrong.push(format!("{file} for {name}: {fault}"));
                    continue;
                }
            };
            let refusals = refusals(profile, &sent.body);
            if !refusals.is_empty() {
                wrong.push(format!("{file} for {name}: {refusals:?}"));
            }
            for note in sent.notes.list() {
                let unknown = [
                    Code::UnknownField,
                    Code::UnknownItem,
                    Code::UnknownPart,
                    Code::UnknownTool,
                    Code::ResultOrphan,
                    Code::ResultMissing,
                    Code::MoreNotes,
                ];
                if unknown.contains(&note.code) {
                    wrong.push(format!("{file} for {name}: {} at {}", note.code.name(), note.at));
                }
            }
        }
    }
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
