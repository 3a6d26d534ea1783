//! The judge accepts what is right and refuses what is wrong, each for its own reason.

mod bodies;
mod broken;
mod fixtures;
mod tape;

use serde_json::{Value, json};

use super::{Complaint, book, responses_answer, responses_stream};
use tape::{Tape, frames};

fn listed(complaints: &[Complaint]) -> String {
    complaints.iter().map(|complaint| format!("\n  {complaint}")).collect()
}

#[test]
fn every_good_stream_is_accepted() {
    for (name, tape) in tape::good() {
        if let Err(complaints) = responses_stream(&frames(&tape.events)) {
            panic!("{name}:{}", listed(&complaints));
        }
    }
}

#[test]
fn the_response_of_every_good_stream_is_a_good_answer() {
    for (name, tape) in tape::good() {
        let last = tape.events.last().expect("a stream has events");
        if let Err(complaints) = responses_answer(&last["response"]) {
            panic!("{name}:{}", listed(&complaints));
        }
    }
}

#[test]
fn an_empty_stream_has_no_end() {
    let complaints = responses_stream(&[]).expect_err("nothing is not a stream");
    assert!(listed(&complaints).contains("no terminal event"));
}

#[test]
fn complaints_say_where_and_what() {
    let mut tape = Tape::text();
    let done = tape.position("response.output_item.done");
    tape.events[done]["item"]["content"][0]["annotations"] = Value::Null;
    let complaints = responses_stream(&frames(&tape.events)).expect_err("null is not a list");
    let first = complaints.first().expect("there is one").to_string();
    assert_eq!(
        first,
        "Shape at frame 8 (response.output_item.done) `item.content[0].annotations`: \
         null is not of type \"array\""
    );
}

#[test]
fn answers_are_judged_without_a_stream() {
    let answer = Tape::text().events.pop().expect("it ends")["response"].take();
    let broken: [(&str, Value, &str); 8] = [
        ("/status", json!("in_progress"), "cannot have the status"),
        ("/status", json!("failed"), "needs `error`"),
        ("/usage", Value::Null, "needs `usage`"),
        ("/usage/total_tokens", json!(99), "`total_tokens` is 99"),
        ("/completed_at", json!(1), "before it was created"),
        ("/temperature", Value::Null, "null is not of type \"number\""),
        ("/output/0/status", json!("in_progress"), "cannot be `in_progress`"),
        ("/output/0/role", json!("user"), "the assistant's"),
    ];
    for (pointer, value, reason) in broken {
        let mut answer = answer.clone();
        *answer.pointer_mut(pointer).expect("the member is there") = value;
        let complaints = responses_answer(&answer).expect_err(pointer);
        assert!(listed(&complaints).contains(reason), "{pointer}:{}", listed(&complaints));
    }
}

#[test]
fn every_member_of_a_response_is_required() {
    let answer = Tape::text().events.pop().expect("it ends")["response"].take();
    let members: Vec<_> = answer.as_object().expect("an object").keys().cloned().collect();
    assert_eq!(members.len(), 32, "the 31 members of Open Responses and `quire`");
    for member in members.iter().filter(|member| *member != "quire") {
        let mut answer = answer.clone();
        answer.as_object_mut().expect("an object").remove(member);
        let complaints = responses_answer(&answer).expect_err(member);
        let reason = format!("`{member}` is required");
        assert!(listed(&complaints).contains(&reason), "{member}:{}", listed(&complaints));
    }
}

#[test]
fn every_event_and_item_that_the_judge_accepts_is_in_the_closed_world() {
    const WORLD: &str = include_str!("../../../../corpus/world/responses.txt");
    let lines: Vec<_> = WORLD.lines().filter_map(|line| line.split('\t').next()).collect();
    for name in book::BOOK.names() {
        assert!(lines.contains(&name.as_str()), "`{name}` is not in the world");
    }
}
