//! The refusal tables of the three dialects: what vendors refuse, with their status and words. A
//! rule looks at one request body and knows nothing of sockets; [`Profile`] chooses the rules that
//! a server applies. It judges form, not what a model would make of it.

pub(crate) mod anthropic;
mod profile;
pub(crate) mod responses;
mod rules;
mod walk;

use serde_json::{Value, json};

pub use profile::Profile;

/// Every row of every table, in the order in which the rows of one vendor are tried.
pub fn rows() -> impl Iterator<Item = &'static Rule> {
    let tables = [rules::RULES, anthropic::RULES, responses::RULES];
    tables.into_iter().flatten().copied().flatten()
}

/// Who refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Vendor {
    /// Every server that was looked at, the tolerant ones included.
    Every,
    /// OpenAI, and most who copy it; a gateway that breaks such a rule fails somewhere.
    Most,
    /// Every one but OpenAI itself, which has moved on.
    Others,
    OpenAi,
    DeepSeek,
    Zhipu,
    MiniMax,
    MiMo,
    Vllm,
    Ollama,
    LmStudio,
    Mistral,
    Groq,
    /// api.anthropic.com, and nobody else.
    Anthropic,
    /// Every server that speaks Messages.
    MessagesEvery,
    /// Every server that speaks Messages but Anthropic's own.
    MessagesOthers,
    /// Servers that speak Messages as they were at the end of 2025.
    MessagesClassic,
    /// api.openai.com where it speaks Responses, and nobody else.
    OpenAiResponses,
    /// Every server that speaks Responses.
    ResponsesEvery,
}

/// Which requests a rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Those that want an answer.
    Answer,
    /// Those that want their tokens counted.
    Count,
    Both,
}

/// How sure a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// Inferred from the vendor's documentation or from neighbours; the words are ours.
    Inferred,
    /// Documented, or reported by others; the words may differ.
    Reported,
    /// The vendor's own words, seen in reports that quote them or in the server's source.
    Quoted,
}

/// What a rule found: where, and the value or list that its words name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// The place, as `messages[1].content`; empty where the vendor names none.
    pub at: String,
    /// What fills `{what}` in the words.
    pub what: String,
}

/// One row of the table.
#[derive(Debug)]
pub struct Rule {
    /// A stable name, in words with dashes.
    pub id: &'static str,
    pub vendor: Vendor,
    pub door: Door,
    /// The first thing wrong with a request, if this rule finds one.
    pub check: fn(&Value) -> Option<Finding>,
    pub status: u16,
    /// `error.code`, where the vendor gives one.
    pub code: Option<&'static str>,
    /// The vendor's words; `{at}` and `{what}` are filled in.
    pub words: &'static str,
    pub source: &'static str,
    pub confidence: Confidence,
    /// The smallest request that shows the rule, for the test of the table.
    pub example: &'static str,
}

/// A request that was refused.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The rule's id.
    pub rule: &'static str,
    pub status: u16,
    pub code: Option<&'static str>,
    /// The place in the request.
    pub at: String,
    /// The vendor's words.
    pub message: String,
}

impl Refusal {
    /// The body of the answer, in the shape of the profile's vendor.
    pub fn body(&self, profile: Profile) -> Value {
        let param = (!self.at.is_empty()).then_some(&self.at);
        match profile {
            Profile::Zhipu => {
                json!({"error": {"code": self.code.unwrap_or("1210"), "message": self.message}})
            }
            Profile::MiniMax => json!({
                "type": "error",
                "error": {"type": "bad_request_error", "message": self.message,
                    "http_code": self.status.to_string()},
                "request_id": "testkit",
            }),
            Profile::DeepSeek => json!({"error": {"message": self.message,
                "type": "invalid_request_error", "param": null, "code": "invalid_request_error"}}),
            Profile::Vllm => json!({"error": {"message": self.message,
                "type": "BadRequestError", "param": param, "code": self.status}}),
            // The sentence stands in `param`, and `message` says the same for every fault.
            Profile::MiMo => json!({"error": {"code": self.status.to_string(),
                "message": "Param Incorrect", "param": self.message, "type": ""}}),
            Profile::LmStudio => json!({"error": self.message}),
            Profile::Mistral => json!({"object": "error", "message": self.message,
                "type": "invalid_request_error", "param": null, "code": self.code}),
            Profile::Anthropic | Profile::MessagesTolerant | Profile::MessagesClassic => {
                anthropic::error(anthropic::kind(self.status), &self.message, "req_testkit")
            }
            Profile::GenericStrict
            | Profile::OpenAi
            | Profile::Groq
            | Profile::OllamaTolerant
            | Profile::OpenAiResponses
            | Profile::ResponsesTolerant => {
                json!({"error": {"message": self.message,
                "type": "invalid_request_error", "param": param, "code": self.code}})
            }
        }
    }

    /// The bytes of the answer. MiMo puts `data:` before the error of a request that wanted a
    /// stream, although the status is 400 and no event stream follows
    /// (github.com/Tencent/WeKnora/issues/1302).
    pub fn bytes(&self, profile: Profile, stream: bool) -> Vec<u8> {
        let prefix = if profile == Profile::MiMo && stream { "data:" } else { "" };
        format!("{prefix}{}", self.body(profile)).into_bytes()
    }
}

/// The first rule of the profile that refuses this body.
pub fn check(profile: Profile, body: &Value) -> Option<Refusal> {
    check_at(Door::Answer, profile, body)
}

/// The first rule of the profile that refuses this body of a request of this kind.
pub fn check_at(door: Door, profile: Profile, body: &Value) -> Option<Refusal> {
    profile.rules_at(door).find_map(|rule| rule.refuse(body))
}

/// Every rule of the profile that refuses this body, for a judge that wants the whole truth.
pub fn check_all(profile: Profile, body: &Value) -> Vec<Refusal> {
    profile.rules_at(Door::Answer).filter_map(|rule| rule.refuse(body)).collect()
}

impl Rule {
    /// The refusal, if this rule finds something.
    pub fn refuse(&self, body: &Value) -> Option<Refusal> {
        let Finding { at, what } = (self.check)(body)?;
        let message = self.words.replace("{at}", &at).replace("{what}", &what);
        Some(Refusal { rule: self.id, status: self.status, code: self.code, at, message })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dialect;

    /// The example of a rule as a body; those that are too large to write down are made here.
    fn example(rule: &Rule) -> Value {
        let text = |text: String| json!({"type": "text", "text": text});
        let ask = |content: Value| json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": content}]});
        if rule.id == "anthropic-user-id-too-long" {
            let mut body = ask(json!([text("x".into())]));
            body["metadata"] = json!({"user_id": "u".repeat(257)});
            return body;
        }
        if rule.id == "anthropic-image-too-large" {
            let data = "A".repeat(8 * 1024 * 1024);
            return ask(json!([{"type": "image", "source":
                {"type": "base64", "media_type": "image/png", "data": data}}]));
        }
        if rule.id == "tools-too-many" {
            let tool = |n| json!({"type": "function", "function": {"name": format!("f{n}")}});
            let tools: Vec<Value> = (0..129).map(tool).collect();
            return json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "tools": tools});
        }
        serde_json::from_str(rule.example).unwrap_or_else(|error| panic!("`{}`: {error}", rule.id))
    }

    #[test]
    fn each_rule_refuses_its_example_and_is_the_first_to() {
        let mut covered = Vec::new();
        for rule in rows() {
            let body = example(rule);
            let refusal = rule.refuse(&body).unwrap_or_else(|| panic!("`{}` passes", rule.id));
            let open = ["{at}", "{what}"].iter().any(|hole| refusal.message.contains(hole));
            assert!(!open, "`{}`: {}", rule.id, refusal.message);
            let mut first = Profile::ALL
                .into_iter()
                .filter(|profile| profile.rules().any(|known| known.id == rule.id))
                .map(|profile| {
                    let door = if rule.door == Door::Count { Door::Count } else { Door::Answer };
                    check_at(door, profile, &body).expect("it is refused").rule
                });
            if !first.any(|id| id == rule.id) {
                covered.push(rule.id);
            }
        }
        assert!(covered.is_empty(), "always covered by other rules: {covered:?}");
    }

    #[test]
    fn rows_are_complete_and_named_once() {
        let mut ids: Vec<&str> = rows().map(|rule| rule.id).collect();
        assert!(ids.len() >= 40);
        ids.sort_unstable();
        for pair in ids.windows(2) {
            assert_ne!(pair[0], pair[1]);
        }
        for rule in rows() {
            assert!(!rule.words.is_empty() && !rule.source.is_empty(), "`{}`", rule.id);
            assert!((400..500).contains(&rule.status), "`{}`", rule.id);
        }
    }

    #[test]
    fn every_vendor_is_played_by_a_profile() {
        for rule in rows() {
            let played = |profile: &Profile| profile.rules().any(|known| known.id == rule.id);
            assert!(Profile::ALL.iter().any(played), "`{}`", rule.id);
        }
    }

    /// A plain question.
    fn plain() -> Value {
        json!({"model": "m", "stream": true, "stream_options": {"include_usage": true},
            "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}]})
    }

    /// Two parallel calls, both answered, and a plain answer after them.
    fn rounds(id: [&str; 2], reasoning: bool) -> Value {
        let call = |id, name| json!({"id": id, "type": "function", "function": {"name": name, "arguments": "{\"a\":1}"}});
        let tool = |name| {
            json!({"type": "function", "function": {"name": name, "description": "d",
                "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}}})
        };
        let mut body = json!({"model": "m",
            "messages": [
                {"role": "user", "content": "go"},
                {"role": "assistant", "content": null,
                    "tool_calls": [call(id[0], "exec_command"), call(id[1], "mcp__toy__add_two")]},
                {"role": "tool", "tool_call_id": id[1], "content": "2"},
                {"role": "tool", "tool_call_id": id[0], "content": [{"type": "text", "text": "1"}]},
                {"role": "assistant", "content": "done"},
                {"role": "user", "content": "again"}],
            "tools": [tool("exec_command"), tool("mcp__toy__add_two")], "tool_choice": "auto"});
        if reasoning {
            body["messages"][1]["reasoning_content"] = json!("let me see");
            body["messages"][4]["reasoning_content"] = json!("");
        }
        body
    }

    fn picture() -> Value {
        json!({"model": "m", "messages": [{"role": "user", "content": [
            {"type": "text", "text": "what is this?"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "high"}}]}]})
    }

    fn structured() -> Value {
        json!({"model": "m", "messages": [{"role": "user", "content": "x"}],
            "response_format": {"type": "json_schema", "json_schema": {"name": "out", "strict": true,
                "schema": {"type": "object", "properties": {"a": {"type": "string"}},
                    "required": ["a"], "additionalProperties": false}}}})
    }

    #[test]
    fn good_requests_pass_where_they_should() {
        use Profile::{
            DeepSeek, GenericStrict, LmStudio, MiMo, MiniMax, OllamaTolerant, OpenAi, Vllm, Zhipu,
        };
        let call = ["call_1", "call_2"];
        let mut tuned = plain();
        for (name, value) in [
            ("temperature", json!(0.7)),
            ("top_p", json!(0.9)),
            ("max_completion_tokens", json!(64)),
            ("reasoning_effort", json!("xhigh")),
            ("parallel_tool_calls", json!(true)),
            ("tools", rounds(call, false)["tools"].clone()),
            ("tool_choice", json!({"type": "function", "function": {"name": "exec_command"}})),
            ("prompt_cache_key", json!("k")),
        ] {
            tuned[name] = value;
        }
        let mut deepseek = rounds(call, true);
        deepseek["thinking"] = json!({"type": "enabled"});
        deepseek["reasoning_effort"] = json!("max");
        let mut unthinking = rounds(call, false);
        unthinking["thinking"] = json!({"type": "disabled"});
        unthinking["tool_choice"] = json!("required");
        let mut minimax = rounds(call, false);
        minimax["reasoning_split"] = json!(true);
        minimax["messages"][1]["reasoning_details"] =
            json!([{"type": "reasoning.text", "text": "x"}]);
        let mut object = plain();
        object["response_format"] = json!({"type": "json_object"});
        object["messages"][1]["content"] = json!("answer in JSON");
        let chat: Vec<Profile> = Profile::of(Dialect::Chat).collect();
        let cases: &[(&str, Value, &[Profile])] = &[
            ("plain", plain(), &chat),
            ("json object", object, &chat),
            ("tuned", tuned, &[GenericStrict, OpenAi, Vllm, OllamaTolerant]),
            (
                "rounds",
                rounds(call, false),
                &[GenericStrict, OpenAi, Zhipu, MiniMax, Vllm, LmStudio, OllamaTolerant],
            ),
            ("rounds with reasoning", rounds(call, true), &[GenericStrict, DeepSeek, MiMo, Zhipu]),
            (
                "rounds at mistral",
                {
                    let mut body = rounds(["abcdefgh1", "abcdefgh2"], false);
                    body["messages"].as_array_mut().expect("it is a list").truncate(4);
                    body
                },
                &[Profile::Mistral, Profile::Groq, GenericStrict],
            ),
            ("deepseek", deepseek, &[DeepSeek, GenericStrict]),
            ("deepseek without thinking", unthinking, &[DeepSeek, GenericStrict]),
            ("minimax", minimax, &[MiniMax, GenericStrict]),
            ("picture", picture(), &[GenericStrict, OpenAi, MiniMax, MiMo, Vllm, OllamaTolerant]),
            ("structured", structured(), &[GenericStrict, OpenAi, MiniMax, Vllm]),
        ];
        for (name, body, profiles) in cases {
            for profile in *profiles {
                assert_eq!(check_all(*profile, body), [], "`{name}` at {}", profile.name());
            }
        }
    }

    #[test]
    fn any_json_is_judged_without_a_panic() {
        let odd = [json!(null), json!([]), json!("x"), json!(1.5), json!({"a": [{}]}), json!(true)];
        for member in [
            "messages",
            "tools",
            "tool_choice",
            "response_format",
            "stop",
            "metadata",
            "thinking",
            "stream_options",
            "temperature",
            "logit_bias",
        ] {
            for value in &odd {
                for body in [
                    json!({"model": "m", member: value}),
                    json!({"model": "m", "messages": [value, {"role": value, "content": [value],
                        "tool_calls": [value], "tool_call_id": value}], "tools": [value,
                        {"type": "function", "function": {"name": "f", "parameters": value}}]}),
                ] {
                    for profile in Profile::ALL {
                        let _ = check_all(profile, &body);
                    }
                }
            }
        }
    }

    #[test]
    fn refusals_wear_the_vendors_clothes() {
        let refusal = check(
            Profile::MiMo,
            &json!({"model": "m", "seed": 1, "messages": [{"role": "user", "content": "x"}]}),
        )
        .expect("it is refused");
        assert_eq!(
            refusal.body(Profile::MiMo),
            json!({"error": {"code": "400", "message": "Param Incorrect", "param": "seed is not supported", "type": ""}})
        );
        assert!(refusal.bytes(Profile::MiMo, true).starts_with(b"data:{"));
        assert!(refusal.bytes(Profile::MiMo, false).starts_with(b"{"));
        assert!(refusal.body(Profile::LmStudio)["error"].is_string());
        assert_eq!(refusal.body(Profile::MiniMax)["type"], "error");
        assert_eq!(refusal.body(Profile::Zhipu)["error"]["code"], "1210");
        assert_eq!(refusal.body(Profile::OpenAi)["error"]["type"], "invalid_request_error");
    }
}
