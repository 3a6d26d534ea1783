//! The corpus of this direction: `corpus/responses-to-messages/requests/<case>` holds
//! `request.json` and what the upstream gets; `streams/<case>` holds `stream.sse` or `answer.json`
//! and what the client gets. `target.json` names a target of [`crate::targets`] and what differs.
//!
//! `UPDATE=1 cargo test -p wire --test messages_out` writes what is; read the difference before you
//! commit it.

use crate::common::cases::{cases, expect, laid_out, listed, read};
use crate::common::{asking, complaints};
use crate::requests::refusals;
use crate::targets::{profile, target};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use wire::answer::Ending;
use wire::dialect::Dialect;
use wire::drive::{self, Answer, Sent};
use wire::note::{Code, Notes};
use wire::target::Target;

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
            "tools" => target.tools = flag(),
            "max_tools" => target.max_tools = value.as_u64().map(|max| max as usize),
            "unsigned_thinking" => target.unsigned_thinking = flag(),
            other => unreachable!("`{other}` is no member of a target"),
        }
    }
    (base, target)
}

fn request_case(case: &Path, wrong: &mut Vec<String>) -> Notes {
    let (base, target) = target_of(case);
    let request = read(&case.join("request.json")).expect("a case has a request");
    match drive::request(&request, Dialect::Responses, Dialect::Messages, &target) {
        Err(fault) => {
            let text = format!("{}: {}\n", fault.param.unwrap_or_default(), fault.message);
            expect(case, "expect.fault", &text, wrong);
            Notes::default()
        }
        Ok(sent) => {
            expect(case, "expect.request.json", &laid_out(&sent.body), wrong);
            expect(case, "expect.notes", &listed(&sent.notes), wrong);
            let refusals = refusals(profile(&base), &sent.body, &target);
            if !refusals.is_empty() {
                wrong.push(format!("{}: refused: {refusals:?}", case.display()));
            }
            sent.notes
        }
    }
}

fn stream_case(case: &Path, wrong: &mut Vec<String>) -> Notes {
    let (_, target) = target_of(case);
    let sent =
        drive::request(&asking().to_string(), Dialect::Responses, Dialect::Messages, &target)
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
    let Answer { events, object, notes, .. } = answer;
    expect(case, "expect.sse", &events.replace(&quiet.echo, ""), wrong);
    expect(case, "expect.json", &laid_out(&object.replace(&quiet.echo, "")), wrong);
    notes
}

#[test]
fn every_case_comes_out_as_its_files_say_and_all_together_show_every_note_of_this_direction() {
    let mut wrong = Vec::new();
    let mut shown: BTreeSet<&str> = BTreeSet::new();
    for case in cases("responses-to-messages/requests") {
        shown.extend(request_case(&case, &mut wrong).list().iter().map(|note| note.code.name()));
    }
    for case in cases("responses-to-messages/streams") {
        shown.extend(stream_case(&case, &mut wrong).list().iter().map(|note| note.code.name()));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let own = [
        Code::ThinkingLeftOut,
        Code::SamplingDropped,
        Code::SamplingClamped,
        Code::TierMapped,
        Code::UserTurnAdded,
        Code::CallIdMapped,
        Code::ToolsRecalled,
        Code::MaxTokensRaised,
        Code::MaxTokensClamped,
        Code::SystemMoved,
        Code::ResultMissing,
        Code::ResultOrphan,
        Code::CallIdRepeated,
        Code::ArgumentsRepaired,
        Code::ReasoningDropped,
        Code::ReasoningForeign,
        Code::PartDropped,
        Code::ImageMoved,
        Code::SchemaRepaired,
        Code::FormatIgnored,
        Code::ToolChoice,
        Code::ParallelIgnored,
        Code::StrictIgnored,
        Code::FinishUnknown,
    ];
    let missing: Vec<&str> =
        own.iter().map(|code| code.name()).filter(|name| !shown.contains(name)).collect();
    assert_eq!(missing, [""; 0], "no case shows these notes");
}
