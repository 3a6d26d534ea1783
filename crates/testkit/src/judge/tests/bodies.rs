//! Error bodies, right and wrong.

use serde_json::{Value, json};

use super::listed;
use crate::judge::Dialect::{self, Chat, Messages, Responses};
use crate::judge::{Rule, error_body};

fn openai(kind: &str, code: Value) -> Value {
    json!({"error": {"message": "said", "type": kind, "param": null, "code": code}})
}

fn anthropic(kind: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": "said"}, "request_id": "req_1"})
}

#[test]
fn good_error_bodies_are_accepted() {
    let limit = json!({"error": {"message": "said", "type": "usage_limit_reached", "param": null, "code": null, "resets_at": 5, "plan_type": "plus"}});
    let good = [
        (Responses, 404, openai("invalid_request_error", json!("model_not_found"))),
        (Responses, 400, openai("insufficient_quota", json!("insufficient_quota"))),
        (Responses, 429, limit),
        (Chat, 503, openai("server_error", json!("server_is_overloaded"))),
        (Messages, 429, anthropic("rate_limit_error")),
        (Messages, 529, anthropic("overloaded_error")),
    ];
    for (dialect, status, body) in good {
        let verdict = error_body(dialect, status, &body);
        assert!(verdict.is_ok(), "{body}:{}", listed(&verdict.unwrap_err()));
    }
}

#[test]
fn bad_error_bodies_are_refused_for_their_own_reason() {
    let without = |member: &str| {
        let mut body = openai("invalid_request_error", Value::Null);
        body["error"].as_object_mut().expect("an object").remove(member);
        body
    };
    let bad: [(Dialect, u16, Value, Rule); 14] = [
        (Responses, 400, without("message"), Rule::Missing),
        (Responses, 400, without("type"), Rule::Missing),
        (Responses, 400, without("param"), Rule::Missing),
        (Responses, 400, without("code"), Rule::Missing),
        (Responses, 400, openai("", Value::Null), Rule::Shape),
        (Responses, 400, openai("invalid_request_error", json!(7)), Rule::Shape),
        (Responses, 200, openai("invalid_request_error", Value::Null), Rule::Fault),
        (Responses, 500, openai("rate_limit_error", Value::Null), Rule::Fault),
        (Chat, 400, openai("server_error", Value::Null), Rule::Fault),
        (
            Chat,
            400,
            json!({"error": {"message": "said", "type": "t", "param": null, "code": null}, "detail": 1}),
            Rule::UnknownMember,
        ),
        (Messages, 400, anthropic("rate_limit_error"), Rule::Fault),
        (Messages, 400, anthropic("server_error"), Rule::Fault),
        (
            Messages,
            400,
            json!({"error": {"type": "invalid_request_error", "message": "said"}}),
            Rule::Shape,
        ),
        (
            Messages,
            400,
            json!({"type": "error", "error": {"type": "invalid_request_error"}}),
            Rule::Missing,
        ),
    ];
    for (dialect, status, body, rule) in bad {
        let complaints = error_body(dialect, status, &body).expect_err("the body is wrong");
        let named: Vec<_> = complaints.iter().map(|complaint| complaint.rule).collect();
        assert_eq!(named, [rule], "{status} {body}:{}", listed(&complaints));
    }
}

#[test]
fn a_body_that_is_not_an_object_is_refused() {
    assert!(error_body(Chat, 502, &json!("<html>")).is_err());
}
