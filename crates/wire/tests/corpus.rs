//! The corpus of Responses clients on Chat Completions servers, `corpus/responses-to-chat`, laid out
//! as `corpus/README.md` says. `target.json` names a target of `common` and what differs.
//!
//! `UPDATE=1 cargo test -p wire --test corpus` writes what is; read the difference before you
//! commit it.

mod common;

use common::cases::{cases, expect, laid_out, listed, read};
use common::{PAIRS, complaints, target};
use serde_json::Value;
use std::fs;
use std::path::Path;
use testkit::strict;
use wire::answer::Ending;
use wire::dialect::Dialect;
use wire::drive::{self, Answer, Sent};
use wire::note::Notes;
use wire::target::Target;
use wire::target::{MaxTokens, Quirk, Replay, Structured};

/// The name of the target that a case starts from, and the target.
fn target_of(case: &Path) -> (String, Target) {
    let text = read(&case.join("target.json")).unwrap_or_else(|| "{}".to_owned());
    let differs: Value = serde_json::from_str(&text).expect("a target is JSON");
    let base = differs["base"].as_str().unwrap_or("careful").to_owned();
    let mut target = target(&base);
    for (name, value) in differs.as_object().into_iter().flatten() {
        let flag = || value.as_bool().expect("it is a flag");
        match name.as_str() {
            "base" => {}
            "images" => target.images = flag(),
            "tool_images" => target.tool_images = flag(),
            "files" => target.files = flag(),
            "developer_role" => target.developer_role = flag(),
            "late_system" => target.late_system = flag(),
            "tools" => target.tools = flag(),
            "strict_tools" => target.strict_tools = flag(),
            "max_tools" => target.max_tools = value.as_u64().map(|max| max as usize),
            "max_tokens" => target.max_tokens = MaxTokens::Completion,
            "structured" => target.structured = Structured::Schema,
            "replay" => {
                target.replay = match value.as_str() {
                    Some("reasoning-content") => Replay::ReasoningContent,
                    Some("reasoning-details") => Replay::ReasoningDetails,
                    other => unreachable!("no replay is called {other:?}"),
                }
            }
            "quirks" => {
                let quirks = value.as_array().into_iter().flatten().filter_map(Value::as_str);
                target.quirks = quirks.map(quirk).collect();
            }
            other => unreachable!("`{other}` is no member of a target"),
        }
    }
    (base, target)
}

fn quirk(name: &str) -> Quirk {
    let known = QUIRKS.iter().find(|(known, _)| *known == name);
    known.unwrap_or_else(|| unreachable!("no quirk is called `{name}`")).1
}

const QUIRKS: [(&str, Quirk); 6] = [
    ("think-tags", Quirk::ThinkTags),
    ("content-required", Quirk::ContentRequired),
    ("plain-refs", Quirk::PlainRefs),
    ("cumulative-reasoning", Quirk::CumulativeReasoning),
    ("no-json-object", Quirk::NoJsonObject),
    ("flat-roots", Quirk::FlatRoots),
];

fn request_case(case: &Path, wrong: &mut Vec<String>) {
    let (base, target) = target_of(case);
    let request = read(&case.join("request.json")).expect("a case has a request");
    match drive::request(&request, Dialect::Responses, Dialect::Chat, &target) {
        Err(fault) => {
            let text = format!("{}: {}\n", fault.param.unwrap_or_default(), fault.message);
            expect(case, "expect.fault", &text, wrong);
        }
        Ok(sent) => {
            expect(case, "expect.request.json", &laid_out(&sent.body), wrong);
            expect(case, "expect.notes", &listed(&sent.notes), wrong);
            let body: Value = serde_json::from_str(&sent.body).expect("a request is JSON");
            let profile =
                PAIRS.iter().find(|(_, name)| *name == base).expect("every target has a profile").0;
            let refusals = strict::check_all(profile, &body);
            // The servers of these two cases are more generous than their profile.
            let generous = target.tool_images || target.developer_role && base == "careful";
            if !refusals.is_empty() && !generous {
                wrong.push(format!("{}: refused: {refusals:?}", case.display()));
            }
        }
    }
}

fn stream_case(case: &Path, wrong: &mut Vec<String>) {
    let (_, target) = target_of(case);
    let request = read(&case.join("request.json")).unwrap_or_else(|| common::asking().to_string());
    let sent = drive::request(&request, Dialect::Responses, Dialect::Chat, &target)
        .expect("the request is good");
    let quiet = Sent { notes: Notes::default(), ..sent };
    let answer = match read(&case.join("answer.json")) {
        Some(body) => drive::whole(body.trim_end(), &quiet, &target),
        None => {
            let stream =
                fs::read(case.join("stream.sse")).expect("a case has a stream or an answer");
            drive::stream([stream.as_slice()], Ending::Closed, &quiet, &target)
        }
    };
    wrong.extend(
        complaints(&answer).into_iter().map(|complaint| format!("{}: {complaint}", case.display())),
    );
    // The echo of the request has a case of its own.
    let echo = if case.ends_with("echo") { "\u{0}" } else { quiet.echo.as_str() };
    let Answer { events, object, .. } = answer;
    expect(case, "expect.sse", &events.replace(echo, ""), wrong);
    expect(case, "expect.json", &laid_out(&object.replace(echo, "")), wrong);
}

#[test]
fn every_case_comes_out_as_its_files_say() {
    let mut wrong = Vec::new();
    for case in cases("responses-to-chat/requests") {
        request_case(&case, &mut wrong);
    }
    for case in cases("responses-to-chat/streams") {
        stream_case(&case, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_quirk_has_a_case() {
    for (name, _) in QUIRKS {
        let is_shown = |kind: &str| {
            let name = format!("quirk-{name}");
            cases(&format!("responses-to-chat/{kind}")).iter().any(|case| case.ends_with(&name))
        };
        assert!(is_shown("requests") || is_shown("streams"), "{name}");
    }
}
