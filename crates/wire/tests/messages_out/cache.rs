//! What was sent once is sent again byte by byte, and marked where the next request looks for it.

use crate::requests::refusals;
use crate::targets::{PAIRS, target};
use proptest::prelude::*;
use serde_json::{Value, json};
use testkit::seal::seal;
use wire::dialect::Dialect;
use wire::drive;

const MARK: &str = r#","cache_control":{"type":"ephemeral"}"#;

/// One step of a conversation: what the model said, and the results or words that it got back.
#[derive(Clone, Debug)]
struct Step {
    thinks: bool,
    speaks: bool,
    calls: usize,
    late_system: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (any::<bool>(), any::<bool>(), 0..3_usize, prop::bool::weighted(0.2)).prop_map(
        |(thinks, speaks, calls, late_system)| Step {
            thinks,
            speaks: speaks || calls == 0,
            calls,
            late_system,
        },
    );
    prop::collection::vec(step, 1..6)
}

/// The items of the conversation after each step, each list a longer one.
fn conversations(steps: &[Step]) -> Vec<Vec<Value>> {
    let says = |role: &str, text: String| json!({"type": "message", "role": role, "content": text});
    let mut items =
        vec![says("developer", "Be \"good\".\n".to_owned()), says("user", "hé".to_owned())];
    let mut all = vec![items.clone()];
    for (number, step) in steps.iter().enumerate() {
        // A turn begins with thinking, as it does where thinking has a budget.
        let begins = items.last().is_some_and(|item| item["type"] == "message");
        if step.thinks || begins {
            let text = format!("I \"think\" {number}");
            let packed = json!({"text": text, "signature": seal(&text)});
            items.push(json!({"type": "reasoning", "summary": [], "encrypted_content": format!("sealed-reasoning:\u{1}{packed}")}));
        }
        if step.speaks {
            items.push(says("assistant", format!("so {number}")));
        }
        let ids: Vec<String> =
            (0..step.calls).map(|call| format!("call_{number}_{call}")).collect();
        for id in &ids {
            items.push(json!({"type": "function_call", "call_id": id, "name": "f", "arguments": format!("{{\"n\": {number}}}")}));
        }
        for id in ids.iter().rev() {
            items.push(json!({"type": "function_call_output", "call_id": id, "output": format!("was {id}")}));
        }
        if step.calls == 0 {
            items.push(says("user", format!("and {number}?")));
        } else if step.late_system {
            items.push(says("developer", format!("mind {number}")));
        }
        all.push(items.clone());
    }
    all
}

fn body(items: &[Value], name: &str) -> String {
    let request = json!({
        "model": "m", "input": items, "reasoning": {"effort": "high"},
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}],
    });
    drive::request(&request.to_string(), Dialect::Responses, Dialect::Messages, &target(name))
        .expect("the request is good")
        .body
}

/// Where marks stand in the text without them.
fn marks(body: &str) -> Vec<usize> {
    body.match_indices(MARK).enumerate().map(|(before, (at, _))| at - before * MARK.len()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn a_conversation_that_goes_on_changes_nothing_before(steps in steps()) {
        for (profile, name) in PAIRS {
            let bodies: Vec<String> =
                conversations(&steps).iter().map(|items| body(items, name)).collect();
            for pair in bodies.windows(2) {
                let [before, after] = [&pair[0], &pair[1]].map(|body| body.replace(MARK, ""));
                // Up to the end of the last message's last block.
                let end = before.rfind("]}],").expect("the messages end");
                prop_assert_eq!(&before[..end], &after[..end], "{}", name);
            }
            for body in &bodies {
                let refusals = refusals(profile, body, &target(name));
                prop_assert!(refusals.is_empty(), "{name}: {refusals:?}\n{body}");
            }
        }
    }

    #[test]
    fn marks_are_few_and_stand_where_the_request_before_ended(steps in steps()) {
        for (_, name) in PAIRS {
            let bodies: Vec<String> =
                conversations(&steps).iter().map(|items| body(items, name)).collect();
            if !target(name).takes("cache_control") {
                prop_assert!(bodies.iter().all(|body| !body.contains("cache_control")));
                continue;
            }
            for pair in bodies.windows(2) {
                let (before, after) = (marks(&pair[0]), marks(&pair[1]));
                prop_assert!(after.len() <= 4, "{name}: {}", pair[1]);
                prop_assert_eq!(&before[..2], &after[..2], "the system and the tools stay");
                let last = before.last().expect("there are marks");
                prop_assert!(after.contains(last), "{name}: {}\n{}", pair[0], pair[1]);
            }
        }
    }
}
