//! The corpus of Chat Completions clients at upstreams that speak another dialect,
//! `corpus/chat-to-responses` and `corpus/chat-to-messages`, laid out as `corpus/README.md` says.
//! `target.json` names members of the target that differ from the careful one of the dialect.
//!
//! `UPDATE=1 cargo test -p wire --test corpus_chat` writes what is; read the difference before you
//! commit it.

mod common;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "upstream_responses/targets.rs"]
mod targets;

use common::cases::{cases, expect, laid_out, listed, read};
use serde_json::Value;
use std::fs;
use std::path::Path;
use testkit::judge;
use testkit::strict::{self, Profile};
use wire::answer::Ending;
use wire::dialect::Dialect;
use wire::drive::{self, Answer, Sent};
use wire::note::Notes;
use wire::target::{Replay, Target};

/// An upstream's dialect, and a server that judges its requests.
struct Upstream {
    dialect: Dialect,
    strict: Profile,
    /// One that takes back what it has shown of its reasoning.
    tolerant: Profile,
}

const UPSTREAMS: [Upstream; 2] = [
    Upstream {
        dialect: Dialect::Responses,
        strict: Profile::OpenAiResponses,
        tolerant: Profile::ResponsesTolerant,
    },
    Upstream {
        dialect: Dialect::Messages,
        strict: Profile::MessagesClassic,
        tolerant: Profile::MessagesTolerant,
    },
];

impl Upstream {
    fn folder(&self, kind: &str) -> String {
        format!("chat-to-{}/{kind}", self.dialect.name())
    }

    fn request_case(&self, case: &Path, wrong: &mut Vec<String>) {
        let target = target_of(case, self.dialect);
        let request = read(&case.join("request.json")).expect("a case has a request");
        match drive::request(&request, Dialect::Chat, self.dialect, &target) {
            Err(fault) => {
                let text = format!("{}: {}\n", fault.param.unwrap_or_default(), fault.message);
                expect(case, "expect.fault", &text, wrong);
            }
            Ok(sent) => {
                expect(case, "expect.request.json", &laid_out(&sent.body), wrong);
                expect(case, "expect.notes", &listed(&sent.notes), wrong);
                let body: Value = serde_json::from_str(&sent.body).expect("a request is JSON");
                let replays = target.replay != Replay::No || target.unsigned_thinking;
                let profile = if replays { self.tolerant } else { self.strict };
                let refusals = strict::check_all(profile, &body);
                if !refusals.is_empty() {
                    wrong.push(format!("{}: refused: {refusals:?}", case.display()));
                }
            }
        }
    }

    fn stream_case(&self, case: &Path, wrong: &mut Vec<String>) {
        let target = target_of(case, self.dialect);
        let request = read(&case.join("request.json")).unwrap_or_else(|| ASKING.to_owned());
        let sent = drive::request(&request, Dialect::Chat, self.dialect, &target);
        let quiet = Sent { notes: Notes::default(), ..sent.expect("the request is good") };
        let answer = match read(&case.join("answer.json")) {
            Some(body) => drive::whole(body.trim_end(), &quiet, &target),
            None => {
                let stream =
                    fs::read(case.join("stream.sse")).expect("a case has a stream or an answer");
                drive::stream([stream.as_slice()], Ending::Closed, &quiet, &target)
            }
        };
        let Answer { events, object, .. } = answer;
        let whole: Value = serde_json::from_str(&object).expect("quire writes JSON");
        let mut complain = |verdict: Result<(), Vec<judge::Complaint>>| {
            for complaint in verdict.err().into_iter().flatten() {
                wrong.push(format!("{}: {complaint}", case.display()));
            }
        };
        complain(judge::chat_stream(&events, quiet.include_usage));
        if whole.get("error").is_none() {
            complain(judge::chat_answer(&whole));
            complain(judge::chat_same(&events, &whole));
        }
        expect(case, "expect.sse", &events, wrong);
        expect(case, "expect.json", &laid_out(&object), wrong);
    }
}

/// What clients ask where a case does not say: every kind of tool, and what the answer cost.
const ASKING: &str = r#"{
    "model": "asked/model", "stream": true, "stream_options": {"include_usage": true},
    "messages": [{"role": "user", "content": "do it"}],
    "tools": [
        {"type": "function", "function": {"name": "read", "parameters": {"type": "object", "properties": {}}}},
        {"type": "function", "function": {"name": "größe.messen"}},
        {"type": "custom", "custom": {"name": "patch"}}
    ]
}"#;

fn target_of(case: &Path, dialect: Dialect) -> Target {
    let text = read(&case.join("target.json")).unwrap_or_else(|| "{}".to_owned());
    let differs: Value = serde_json::from_str(&text).expect("a target is JSON");
    let mut target = match differs["base"].as_str() {
        Some(name) => targets::target(name),
        None => Target { model: "m".to_owned(), ..Target::careful(dialect) },
    };
    for (name, value) in differs.as_object().into_iter().flatten() {
        let flag = || value.as_bool().expect("it is a flag");
        match name.as_str() {
            "base" => {}
            "images" => target.images = flag(),
            "tool_images" => target.tool_images = flag(),
            "files" => target.files = flag(),
            "custom_tools" => target.custom_tools = flag(),
            "web_search" => target.web_search = flag(),
            "accepts" => {
                let names = value.as_array().into_iter().flatten().filter_map(Value::as_str);
                target.accepts.extend(names.map(str::to_owned));
            }
            "unsigned_thinking" => target.unsigned_thinking = flag(),
            "max_output_tokens" => target.max_output_tokens = value.as_u64(),
            "replay" => target.replay = Replay::Reasoning,
            other => unreachable!("`{other}` is no member of a target"),
        }
    }
    target
}

#[test]
fn every_case_comes_out_as_its_files_say() {
    let mut wrong = Vec::new();
    for upstream in &UPSTREAMS {
        let (requests, streams) =
            (cases(&upstream.folder("requests")), cases(&upstream.folder("streams")));
        assert!(requests.len() >= 10 && streams.len() >= 8, "cases are missing");
        requests.iter().for_each(|case| upstream.request_case(case, &mut wrong));
        streams.iter().for_each(|case| upstream.stream_case(case, &mut wrong));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
