//! The corpus of Messages clients on Chat Completions servers: `corpus/messages-to-chat/requests`
//! and `corpus/messages-to-chat/streams`, laid out as `corpus/README.md` says.
//!
//! `UPDATE=1 cargo test -p wire --test corpus_messages` writes what is; read the difference before
//! you commit it.

mod common;

use common::cases::{cases, expect, laid_out, listed, read};
use common::messages::{asking, complaints};
use common::{PAIRS, target};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use testkit::strict;
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
    if let Some(max) = differs["max_output_tokens"].as_u64() {
        target.max_output_tokens = Some(max);
    }
    (base, target)
}

fn request_case(case: &Path, wrong: &mut Vec<String>) -> Notes {
    let (base, target) = target_of(case);
    let request = read(&case.join("request.json")).expect("a case has a request");
    match drive::request(&request, Dialect::Messages, Dialect::Chat, &target) {
        Err(fault) => {
            let text = format!("{}: {}\n", fault.param.unwrap_or_default(), fault.message);
            expect(case, "expect.fault", &text, wrong);
            Notes::default()
        }
        Ok(sent) => {
            expect(case, "expect.request.json", &laid_out(&sent.body), wrong);
            expect(case, "expect.notes", &listed(&sent.notes), wrong);
            let body: Value = serde_json::from_str(&sent.body).expect("a request is JSON");
            let profile =
                PAIRS.iter().find(|(_, name)| *name == base).expect("every target has a profile").0;
            let refusals = strict::check_all(profile, &body);
            if !refusals.is_empty() {
                wrong.push(format!("{}: refused: {refusals:?}", case.display()));
            }
            sent.notes
        }
    }
}

fn stream_case(case: &Path, wrong: &mut Vec<String>) -> Notes {
    let (_, target) = target_of(case);
    let request = read(&case.join("request.json")).unwrap_or_else(|| asking().to_string());
    let sent = drive::request(&request, Dialect::Messages, Dialect::Chat, &target)
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
    let found = complaints(&answer);
    wrong.extend(found.into_iter().map(|complaint| format!("{}: {complaint}", case.display())));
    let Answer { events, object, notes, .. } = answer;
    expect(case, "expect.sse", &events, wrong);
    expect(case, "expect.json", &laid_out(&object), wrong);
    notes
}

#[test]
fn every_messages_case_comes_out_as_its_files_say() {
    let mut wrong = Vec::new();
    let mut shown: BTreeSet<&str> = BTreeSet::new();
    for case in cases("messages-to-chat/requests") {
        shown.extend(request_case(&case, &mut wrong).list().iter().map(|note| note.code.name()));
    }
    for case in cases("messages-to-chat/streams") {
        shown.extend(stream_case(&case, &mut wrong).list().iter().map(|note| note.code.name()));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // What only requests and answers of this dialect bring.
    let own = [
        Code::CacheBreakpoint,
        Code::BillingHeader,
        Code::ClientIds,
        Code::DeferredOffered,
        Code::HostedCall,
        Code::ErrorResult,
        Code::Prefill,
        Code::StopDropped,
        Code::RefusalAsText,
    ];
    let missing: Vec<&str> =
        own.into_iter().map(Code::name).filter(|code| !shown.contains(code)).collect();
    assert_eq!(missing, [""; 0], "no case shows these notes");
}
