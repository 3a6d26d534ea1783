//! What only other dialects' requests can ask for, as turns made by hand.

use crate::requests::refusals;
use crate::targets::target;
use serde_json::{Value, json};
use testkit::strict::Profile;
use wire::drive::ClearVault;
use wire::json::Escaped;
use wire::messages::render;
use wire::note::Notes;
use wire::target::Target;
use wire::thought::Thought;
use wire::turn::{
    Call, Item, Opaque, Part, Payload, Role, Sealed, Settings, Tool, ToolChoice, ToolKind,
    ToolName, Turn, Vault as _, WebSearch,
};

fn name(name: &str) -> ToolName<'_> {
    ToolName { namespace: None, name: Escaped::plain(name) }
}

fn says(role: Role, text: &str) -> Item<'_> {
    Item::Message { role, parts: vec![Part::Text(Escaped::plain(text))] }
}

/// A turn that searches, stops at texts, and takes the likeliest tokens alone.
pub(crate) fn searching() -> Turn<'static> {
    let search = WebSearch {
        allowed: Some(r#"["a.example"]"#),
        blocked: Some(r#"["b.example"]"#),
        location: Some(
            r#"{"type":"approximate","city":"Bern","region":null,"country":"CH","timezone":"Europe/Zurich"}"#,
        ),
        max_uses: Some(3),
        context_size: Some(Escaped::plain("low")),
    };
    Turn {
        items: vec![says(Role::User, "what is new?")],
        tools: vec![Tool {
            name: name("web_search"),
            description: None,
            kind: ToolKind::WebSearch(search),
        }],
        settings: Settings {
            stop: vec![Escaped::plain("END"), Escaped::plain(" \n")],
            shared: vec![("top_k", "40"), ("top_p", "1.5")],
            ..Settings::default()
        },
        ..Turn::default()
    }
}

/// What a target is sent, and the notes.
pub(crate) fn sent(turn: &Turn<'_>, target: &Target) -> (Value, String) {
    let profile = match target.unsigned_thinking {
        true => Profile::MessagesTolerant,
        false => Profile::Anthropic,
    };
    let mut notes = Notes::default();
    let rendered = render(turn, target, &ClearVault, String::new(), &mut notes);
    let body = rendered.expect("the turn says something").body;
    let said = refusals(profile, &body, target);
    assert!(said.is_empty(), "{said:?}\n{body}");
    (serde_json::from_str(&body).expect("a request is JSON"), notes.header())
}

#[test]
fn the_search_of_the_provider_is_offered_and_settings_keep_to_their_ranges() {
    let (body, notes) = sent(&searching(), &target("sonnet-4-5"));
    let search = json!({
        "type": "web_search_20250305", "name": "web_search", "allowed_domains": ["a.example"], "max_uses": 3,
        "user_location": {"type": "approximate", "city": "Bern", "country": "CH", "timezone": "Europe/Zurich"},
        "cache_control": {"type": "ephemeral"},
    });
    assert_eq!(body["tools"], json!([search]));
    assert_eq!(body["stop_sequences"], json!(["END"]));
    assert_eq!((&body["top_k"], &body["top_p"]), (&json!(40), &json!(1)));
    assert_eq!(notes, "field-ignored;n=2, stop-dropped, sampling-clamped");
    let (body, notes) = sent(&searching(), &target("deepseek"));
    assert_eq!(body.get("tools"), None);
    assert_eq!(notes, "tool-dropped, stop-dropped, field-ignored, sampling-clamped");
}

#[test]
fn a_tool_of_the_client_keeps_its_name_from_the_search_of_the_provider() {
    let mut turn = searching();
    let kind = ToolKind::Function { parameters: None, strict: None };
    turn.tools.push(Tool { name: name("web_search"), description: None, kind });
    let (body, notes) = sent(&turn, &target("sonnet-4-5"));
    let tools = body["tools"].as_array().expect("there are tools");
    assert_eq!((tools.len(), tools[0].get("type")), (1, None));
    assert!(notes.contains("tool-dropped"), "{notes}");
}

#[test]
fn a_tool_that_is_forced_is_asked_for_politely_while_the_model_thinks() {
    let mut turn = searching();
    turn.tool_choice = ToolChoice::Required;
    turn.settings.parallel_tool_calls = Some(false);
    let (body, _) = sent(&turn, &target("sonnet-4-5"));
    assert_eq!(body["tool_choice"], json!({"type": "any", "disable_parallel_tool_use": true}));
    turn.settings.effort = Some(wire::turn::Effort::Low);
    let (body, notes) = sent(&turn, &target("sonnet-4-5"));
    assert_eq!(body["tool_choice"], json!({"type": "auto", "disable_parallel_tool_use": true}));
    assert_eq!(body["thinking"], json!({"type": "enabled", "budget_tokens": 2048}));
    assert!(notes.contains("tool-choice") && notes.contains("sampling-dropped"), "{notes}");
}

/// A thought that came behind so many calls, with its proof, as a client brings it back.
fn thought(calls: usize, text: &str) -> Item<'static> {
    let proof = testkit::seal::seal_after(calls, text);
    let opaque = Some(Opaque::Signature(Escaped::plain(&proof).into_owned()));
    let packed = Thought { text: text.to_owned(), opaque }.pack();
    let sealed = Escaped::plain(&ClearVault.seal(Sealed::Reasoning, &packed)).into_owned();
    Item::Reasoning { sealed: Some(sealed), text: Vec::new(), summary: Vec::new() }
}

fn called(id: &'static str) -> Item<'static> {
    let payload = Payload::Arguments(Escaped::plain("{}"));
    Item::Call(Call { id: Escaped::plain(id), name: name("look"), payload })
}

fn answered(id: &'static str) -> Item<'static> {
    let parts = vec![Part::Text(Escaped::plain("seen"))];
    Item::Result { call_id: Escaped::plain(id), parts }
}

#[test]
fn thoughts_between_calls_stay_where_they_were() {
    let mut turn = Turn {
        items: vec![
            says(Role::User, "look twice"),
            thought(0, "first"),
            says(Role::Assistant, "I look."),
            called("call_1"),
            thought(1, "then"),
            called("call_2"),
            says(Role::Assistant, "There."),
            thought(2, "in vain"),
            answered("call_1"),
            answered("call_2"),
        ],
        ..Turn::default()
    };
    turn.settings.effort = Some(wire::turn::Effort::High);
    for model in ["opus-5-5", "sonnet-4-5"] {
        let (body, notes) = sent(&turn, &target(model));
        let said: Vec<&str> = body["messages"][1]["content"]
            .as_array()
            .expect("blocks")
            .iter()
            .filter_map(|block| {
                ["thinking", "text", "id"].iter().find_map(|name| block[name].as_str())
            })
            .collect();
        let expected = ["first", "I look.", "call_1", "then", "There.", "call_2"];
        assert!(notes.contains("reasoning-dropped"), "{notes}");
        assert_eq!(said, expected, "{model}");
    }
}

#[test]
fn thoughts_go_back_only_to_a_model_that_thinks() {
    let turn = Turn {
        items: vec![
            says(Role::User, "look"),
            thought(0, "hm"),
            called("call_1"),
            answered("call_1"),
        ],
        ..Turn::default()
    };
    for (default_effort, kept) in [(None, true), (Some(wire::turn::Effort::None), false)] {
        let (body, _) = sent(&turn, &Target { default_effort, ..target("sonnet-4-5") });
        assert_eq!(body["messages"][1]["content"][0]["type"] == "thinking", kept);
    }
}

#[test]
fn a_limit_is_not_raised_for_thinking_that_is_left_out() {
    let mut turn = Turn {
        items: vec![says(Role::User, "look"), called("call_1"), answered("call_1")],
        ..Turn::default()
    };
    turn.settings.effort = Some(wire::turn::Effort::High);
    turn.settings.max_output_tokens = Some(500);
    let (body, notes) = sent(&turn, &target("sonnet-4-5"));
    assert_eq!((&body["max_tokens"], body.get("thinking")), (&json!(500), None));
    assert!(notes.contains("thinking-left-out") && !notes.contains("raised"), "{notes}");
}

#[test]
fn a_budget_stays_below_what_may_be_written() {
    // What is asked, what the model can write, and what becomes of both.
    let cases = [
        (None, Some(64_000), 64_000, Some(16_384)),
        (None, None, 32_000, Some(16_384)),
        (None, Some(8_192), 8_192, Some(4_096)),
        (None, Some(2_000), 2_000, Some(1_024)),
        (None, Some(1_000), 1_000, None),
        (Some(20_000), Some(64_000), 20_000, Some(16_384)),
        (Some(1_000), Some(64_000), 17_384, Some(16_384)),
        (Some(2_000), Some(8_000), 8_000, Some(6_000)),
        (Some(500), None, 16_884, Some(16_384)),
        (Some(100_000), Some(8_000), 8_000, Some(3_904)),
    ];
    for (asked, limit, max_tokens, budget) in cases {
        let mut turn = searching();
        turn.settings.effort = Some(wire::turn::Effort::High);
        turn.settings.max_output_tokens = asked;
        let target = Target { max_output_tokens: limit, ..target("careful") };
        let (body, _) = sent(&turn, &target);
        let sent = (body["max_tokens"].as_u64(), body["thinking"]["budget_tokens"].as_u64());
        assert_eq!(sent, (Some(max_tokens), budget), "{asked:?} of {limit:?}");
    }
}

#[test]
fn users_are_named_only_by_what_tells_nothing_of_them() {
    for (shared, told) in [
        (vec![("user", r#""u-1""#), ("safety_identifier", r#""s-1""#)], json!("s-1")),
        (vec![("safety_identifier", r#""s-1""#), ("user", r#""u-1""#)], json!("s-1")),
        (vec![("user", r#""me@a.example""#)], Value::Null),
        (vec![("user", r#""+41 31 000 00 00""#)], Value::Null),
        (vec![("user", "7")], Value::Null),
    ] {
        let mut turn = searching();
        turn.settings.shared = shared;
        let (body, _) = sent(&turn, &target("sonnet-4-5"));
        assert_eq!(body["metadata"]["user_id"], told);
    }
}
