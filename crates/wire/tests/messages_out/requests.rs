//! Whatever a client sends, a strict Messages server gets a request that it accepts, or the client
//! gets a fault that names the member.

use crate::common::asked::{recorded, request};
use crate::targets::{PAIRS, target};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use testkit::strict::{self, Profile};
use wire::dialect::Dialect;
use wire::drive;
use wire::note::Code;
use wire::target::Target;

/// What a strict server says against the request, if anything.
pub(crate) fn refusals(profile: Profile, body: &str, target: &Target) -> Vec<String> {
    let body: Value = serde_json::from_str(body).expect("a request is JSON");
    let refusals = strict::check_all(profile, &body);
    // How much a model can write only its record can know.
    let unknown = |rule: &str| {
        rule == "anthropic-max-tokens-over-model" && target.max_output_tokens.is_none()
    };
    refusals
        .into_iter()
        .filter(|refusal| !unknown(refusal.rule))
        .map(|refusal| format!("{}: {} at {}", refusal.rule, refusal.message, refusal.at))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn strict_servers_accept_whatever_is_sent(mut request in request(), ends in any::<bool>()) {
        let items = request["input"].as_array_mut().expect("it is a list");
        if ends || items.is_empty() {
            items.push(json!({"type": "message", "role": "user", "content": "go on"}));
        }
        for (profile, name) in PAIRS {
            match drive::request(&request.to_string(), Dialect::Responses, Dialect::Messages, &target(name)) {
                Ok(sent) => {
                    let refusals = refusals(profile, &sent.body, &target(name));
                    prop_assert!(refusals.is_empty(), "{name}: {refusals:#?}\n{}", sent.body);
                }
                // A history of nothing that can be told.
                Err(fault) => prop_assert!(!ends && fault.param.as_deref() == Some("input"), "{fault}"),
            }
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
            match drive::request(&request.to_string(), Dialect::Responses, Dialect::Messages, &target(name)) {
                Ok(sent) => prop_assert!(serde_json::from_str::<Value>(&sent.body).is_ok()),
                Err(fault) => prop_assert!(fault.param.is_some() || place.is_empty(), "{fault}"),
            }
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
                Dialect::Messages,
                &target(name),
            ) {
                Ok(sent) => sent,
                Err(fault) => {
                    wrong.push(format!("{file} for {name}: {fault}"));
                    continue;
                }
            };
            let refusals = refusals(profile, &sent.body, &target(name));
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
