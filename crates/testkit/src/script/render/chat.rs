//! Chat Completions as vendors send it: chunks of one choice, in the forms that they differ in.

use serde_json::{Map, Value, json};

use super::{
    Asked, Beat, CREATED, Events, argument_deltas, arguments_of, calls_of, calls_of_parts,
    deltas_of, is_call, model_of, quoted,
};
use crate::Dialect;
use crate::script::says::{Call, CallForm, Finish, Part, ReasoningForm, Says, UsagePlace};

/// The answer as an event stream.
pub(super) fn stream(says: &Says, asked: &Asked, crlf: bool) -> Vec<Beat> {
    let mut writer = Writer { says, asked, events: Events::new(crlf) };
    writer.all();
    writer.events.beats
}

/// The answer as one JSON body.
pub(super) fn whole(says: &Says, asked: &Asked) -> Value {
    let joined = |pick: fn(&Part) -> Option<&String>| -> Option<String> {
        let parts: Vec<&str> = says.parts.iter().filter_map(pick).map(String::as_str).collect();
        (!parts.is_empty()).then(|| parts.concat())
    };
    let reasoning = joined(|part| match part {
        Part::Reasoning(thought) => Some(&thought.text),
        _ => None,
    });
    let refusal = joined(|part| match part {
        Part::Refusal(text) => Some(text),
        _ => None,
    });
    let mut content = joined(|part| match part {
        Part::Text(text) | Part::Cited(text, _) => Some(text),
        _ => None,
    });
    let mut message = Map::new();
    message.insert("role".into(), json!("assistant"));
    if let Some(reasoning) = reasoning {
        if has_tags(says) {
            let text = content.unwrap_or_default();
            content = Some(format!("<think>\n{reasoning}\n</think>\n\n{text}"));
        }
        for (name, value) in reasoning_members(says.reasoning_form, &json!(reasoning).to_string()) {
            let value = serde_json::from_str(&value).expect("reasoning members are made here");
            message.insert(name.into(), value);
        }
    }
    message.insert("content".into(), json!(content));
    message.insert("refusal".into(), json!(refusal));
    let calls: Vec<Value> = calls_of(says)
        .map(|call| {
            let arguments = arguments_of(says, call);
            json!({"id": call.id, "type": "function",
                "function": {"name": call.name, "arguments": arguments}})
        })
        .collect();
    if !calls.is_empty() {
        message.insert("tool_calls".into(), Value::Array(calls));
    }
    let mut body = json!({
        "id": id_of(says, asked),
        "object": "chat.completion",
        "created": CREATED,
        "model": model_of(says, asked),
        "choices": [{"index": 0, "message": message, "logprobs": null,
            "finish_reason": finish_of(says)}],
        "system_fingerprint": "fp_testkit",
    });
    if let Some(usage) = &says.usage {
        body["usage"] = usage.clone();
    }
    body
}

struct Writer<'a> {
    says: &'a Says,
    asked: &'a Asked,
    events: Events,
}

impl Writer<'_> {
    fn all(&mut self) {
        let says = self.says;
        let speaks = says
            .parts
            .iter()
            .any(|part| matches!(part, Part::Text(_) | Part::Cited(..) | Part::Refusal(_)));
        let opening = if calls_of(says).next().is_some() && !speaks { "null" } else { "\"\"" };
        let mut opened = false;
        let mut thinking = false;
        let mut place = 0;
        while let Some(part) = says.parts.get(place) {
            place += 1;
            let speaks = matches!(
                part,
                Part::Reasoning(_)
                    | Part::Text(_)
                    | Part::Cited(..)
                    | Part::Refusal(_)
                    | Part::Call(_)
            );
            if speaks && !std::mem::replace(&mut opened, true) {
                self.delta(&format!(r#""role":"assistant","content":{opening},"refusal":null"#));
            }
            if speaks && thinking && !matches!(part, Part::Reasoning(_)) {
                thinking = false;
                self.delta(r#""content":"\n</think>\n\n""#);
            }
            match part {
                Part::Reasoning(thought) => {
                    let text = &thought.text;
                    if has_tags(says) {
                        if !std::mem::replace(&mut thinking, true) {
                            self.delta(r#""content":"<think>\n""#);
                        }
                        let members: &[&str] = match says.reasoning_form {
                            ReasoningForm::Mirrored => &["content", "reasoning_content"],
                            _ => &["content"],
                        };
                        self.text(members, text);
                    } else {
                        for piece in deltas_of(says, text) {
                            let members = reasoning_members(says.reasoning_form, &piece);
                            let members: Vec<String> = members
                                .iter()
                                .map(|(name, value)| format!("\"{name}\":{value}"))
                                .collect();
                            self.delta(&members.join(","));
                        }
                    }
                }
                Part::Text(text) | Part::Cited(text, _) => self.text(&["content"], text),
                Part::Refusal(text) => self.text(&["refusal"], text),
                Part::Call(_) => {
                    let first = calls_of_parts(&says.parts[..place - 1]).count();
                    let run: Vec<&Call> = calls_of_parts(&says.parts[place - 1..])
                        .take(says.parts[place - 1..].iter().take_while(|p| is_call(p)).count())
                        .collect();
                    place += run.len() - 1;
                    self.calls(first, &run);
                }
                Part::Data(data) => self.events.data(data),
                Part::Error(error) => {
                    let body = error.body(Dialect::Chat, self.asked.number);
                    self.events.data(&body.to_string());
                }
                // What Chat Completions has no place for.
                Part::Redacted(_) | Part::Search(_) => {}
                Part::Comment(_) | Part::Bytes(_) | Part::Pause(_) | Part::Cut(_) | Part::Stall => {
                    if self.events.aside(part).is_some() {
                        return;
                    }
                }
            }
        }
        if thinking {
            self.delta(r#""content":"\n</think>""#);
        }
        self.ending();
    }

    fn ending(&mut self) {
        if let Some(finish) = finish_of(self.says) {
            let usage = match self.says.usage_place {
                UsagePlace::WithFinish => self.says.usage.as_ref(),
                _ => None,
            };
            let choice = format!(
                r#"[{{"index":0,"delta":{{}},"logprobs":null,"finish_reason":{}}}]"#,
                json!(finish)
            );
            self.chunk(&choice, usage);
        }
        if matches!(self.says.usage_place, UsagePlace::OwnChunk | UsagePlace::Split)
            && self.asked.include_usage
            && let Some(usage) = &self.says.usage
        {
            self.chunk("[]", Some(usage));
        }
        if self.says.done {
            self.events.data("[DONE]");
        }
    }

    fn text(&mut self, members: &[&str], text: &str) {
        for piece in deltas_of(self.says, text) {
            let members: Vec<String> =
                members.iter().map(|name| format!("\"{name}\":{piece}")).collect();
            self.delta(&members.join(","));
        }
    }

    fn calls(&mut self, first: usize, calls: &[&Call]) {
        let mut rows: Vec<Vec<String>> = calls
            .iter()
            .enumerate()
            .map(|(offset, call)| self.call_deltas(first + offset, call))
            .collect();
        if self.says.interleaved {
            let longest = rows.iter().map(Vec::len).max().unwrap_or(0);
            for at in 0..longest {
                for row in &mut rows {
                    if let Some(delta) = row.get_mut(at) {
                        self.delta(&std::mem::take(delta));
                    }
                }
            }
        } else {
            rows.concat().iter().for_each(|delta| self.delta(delta));
        }
    }

    fn call_deltas(&self, index: usize, call: &Call) -> Vec<String> {
        let form = self.says.call_form;
        let (id, name) = (json!(call.id), json!(call.name));
        let index = match form {
            CallForm::Unindexed => String::new(),
            _ => format!(r#""index":{index},"#),
        };
        let full = |arguments: &str| {
            format!(
                r#""tool_calls":[{{{index}"id":{id},"type":"function","function":{{"name":{name},"arguments":{arguments}}}}}]"#
            )
        };
        if form == CallForm::Whole {
            return vec![full(&quoted(self.says, &arguments_of(self.says, call)))];
        }
        let later = argument_deltas(self.says, call).into_iter().map(|piece| {
            match form {
                CallForm::Repeating => full(&piece),
                CallForm::Blank => format!(
                    r#""tool_calls":[{{{index}"id":"","type":"function","function":{{"name":null,"arguments":{piece}}}}}]"#
                ),
                _ => format!(r#""tool_calls":[{{{index}"function":{{"arguments":{piece}}}}}]"#),
            }
        });
        std::iter::once(full("\"\"")).chain(later).collect()
    }

    fn delta(&mut self, members: &str) {
        let choice = format!(
            r#"[{{"index":0,"delta":{{{members}}},"logprobs":null,"finish_reason":null}}]"#
        );
        self.chunk(&choice, None);
    }

    fn chunk(&mut self, choices: &str, usage: Option<&Value>) {
        let usage = match (usage, self.says.usage_place) {
            (Some(usage), _) => format!(",\"usage\":{usage}"),
            (None, UsagePlace::EveryChunk) => {
                format!(",\"usage\":{}", self.says.usage.as_ref().unwrap_or(&Value::Null))
            }
            (None, UsagePlace::OwnChunk | UsagePlace::Split) if self.asked.include_usage => {
                ",\"usage\":null".into()
            }
            (None, _) => String::new(),
        };
        let (id, model) = (json!(id_of(self.says, self.asked)), model_of(self.says, self.asked));
        let model = quoted(self.says, &model);
        self.events.data(&format!(
            r#"{{"id":{id},"object":"chat.completion.chunk","created":{CREATED},"model":{model},"system_fingerprint":"fp_testkit","choices":{choices}{usage}}}"#
        ));
    }
}

fn has_tags(says: &Says) -> bool {
    matches!(says.reasoning_form, ReasoningForm::ThinkTags | ReasoningForm::Mirrored)
}

fn finish_of(says: &Says) -> Option<String> {
    match &says.finish {
        Finish::As(reason) => Some(reason.clone()),
        Finish::Sequence(_) => Some("stop".into()),
        Finish::Missing => None,
        Finish::Natural if calls_of(says).next().is_some() => Some("tool_calls".into()),
        Finish::Natural => Some("stop".into()),
    }
}

fn id_of(says: &Says, asked: &Asked) -> String {
    says.id.clone().unwrap_or_else(|| format!("chatcmpl-{}", asked.number))
}

/// The members that carry reasoning, `text` being a JSON string.
fn reasoning_members(form: ReasoningForm, text: &str) -> Vec<(&'static str, String)> {
    let details = |format: &str| {
        let value = format!(
            r#"[{{"type":"reasoning.text","id":"reasoning-text-1","format":"{format}","index":0,"text":{text}}}]"#
        );
        ("reasoning_details", value)
    };
    match form {
        ReasoningForm::ReasoningContent | ReasoningForm::Mirrored => {
            vec![("reasoning_content", text.to_owned())]
        }
        ReasoningForm::Reasoning => vec![("reasoning", text.to_owned())],
        ReasoningForm::ReasoningDetails => vec![details("MiniMax-response-v1")],
        ReasoningForm::Both => vec![("reasoning", text.to_owned()), details("unknown")],
        ReasoningForm::ThinkTags => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::says::{Usage, says};
    use crate::sse;

    fn asked(include_usage: bool) -> Asked {
        Asked::of(
            &json!({"model": "m", "stream": true, "stream_options": {"include_usage": include_usage}}),
            7,
        )
    }

    fn bytes(says: &Says) -> Vec<u8> {
        let mut bytes = Vec::new();
        for beat in stream(says, &asked(true), false) {
            if let Beat::Send(piece) = beat {
                bytes.extend(piece);
            }
        }
        bytes
    }

    fn text(says: &Says) -> String {
        String::from_utf8(bytes(says)).unwrap()
    }

    fn deltas(says: &Says) -> Vec<Value> {
        let chunks = sse::json(bytes(says));
        chunks.iter().map(|chunk| chunk["choices"][0]["delta"].clone()).collect()
    }

    /// One member of all deltas, joined.
    fn joined(says: &Says, member: &str) -> String {
        deltas(says).iter().filter_map(|delta| delta[member].as_str()).collect()
    }

    #[test]
    fn a_stream_looks_like_openais() {
        let says = says().text("hello").delta(3).usage(Usage::new(5, 2));
        let head = r#"data: {"id":"chatcmpl-7","object":"chat.completion.chunk","created":1764000000,"model":"m","system_fingerprint":"fp_testkit","choices":"#;
        let chunk = |delta: &str, finish: &str| {
            format!(
                "{head}[{{\"index\":0,\"delta\":{delta},\"logprobs\":null,\"finish_reason\":{finish}}}],\"usage\":null}}\n\n"
            )
        };
        let usage = Value::from(Usage::new(5, 2));
        let wanted = [
            chunk(r#"{"role":"assistant","content":"","refusal":null}"#, "null"),
            chunk(r#"{"content":"hel"}"#, "null"),
            chunk(r#"{"content":"lo"}"#, "null"),
            chunk("{}", "\"stop\""),
            format!("{head}[],\"usage\":{usage}}}\n\n"),
            "data: [DONE]\n\n".to_owned(),
        ];
        assert_eq!(text(&says), wanted.concat());
    }

    #[test]
    fn usage_comes_only_where_it_should() {
        let count = |says: &Says, include| {
            let sent = stream(says, &asked(include), false);
            let has = |beat: &&Beat| matches!(beat, Beat::Send(b) if String::from_utf8_lossy(b).contains("prompt_tokens\""));
            sent.iter().filter(has).count()
        };
        let says = says().text("a");
        assert_eq!((count(&says, true), count(&says, false)), (1, 0));
        let finish = says.clone().usage_in(UsagePlace::WithFinish);
        assert_eq!((count(&finish, true), count(&finish, false)), (1, 1));
        assert_eq!(count(&says.clone().usage_in(UsagePlace::EveryChunk), false), 3);
        assert_eq!(count(&says.without_usage(), true), 0);
    }

    #[test]
    fn parallel_calls_come_in_pieces_by_index() {
        let args = json!({"cmd": "echo \"é\"\n"});
        let says = says()
            .text("ok")
            .call("c1", "f", args.clone())
            .call("c2", "g", json!({}))
            .argument_pieces(1);
        for says in [says.clone(), says.clone().interleaved(), says.ascii()] {
            let mut calls = [const { String::new() }; 2];
            let mut order = Vec::new();
            for delta in deltas(&says) {
                for call in delta["tool_calls"].as_array().into_iter().flatten() {
                    let index = call["index"].as_u64().unwrap() as usize;
                    order.push(index);
                    calls[index].push_str(call["function"]["arguments"].as_str().unwrap());
                }
            }
            assert_eq!(serde_json::from_str::<Value>(&calls[0]).unwrap(), args);
            assert_eq!(calls[1], "{}");
            assert_eq!(order.is_sorted(), !says.interleaved);
            assert_eq!(finish_of(&says).as_deref(), Some("tool_calls"));
        }
    }

    #[test]
    fn calls_have_the_forms_of_their_vendors() {
        let says = says().call("c", "f", json!({"a": 1})).argument_pieces(4);
        let calls = |form| -> Vec<Value> {
            let deltas = deltas(&says.clone().calls_as(form));
            deltas.iter().filter_map(|delta| delta["tool_calls"].get(0).cloned()).collect()
        };
        let whole = json!({"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}});
        assert_eq!(calls(CallForm::Whole), [whole]);
        assert_eq!(
            calls(CallForm::Pieces)[1],
            json!({"index": 0, "function": {"arguments": "{\"a\""}})
        );
        assert!(calls(CallForm::Repeating).iter().all(|call| call["id"] == "c"));
        assert_eq!(calls(CallForm::Blank)[1]["id"], "");
        assert!(calls(CallForm::Unindexed).iter().all(|call| call.get("index").is_none()));
    }

    #[test]
    fn reasoning_has_the_forms_of_its_vendors() {
        let says = says().reasoning("let me see").text("42").delta(4);
        let joined = |form, member| joined(&says.clone().reasoning_as(form), member);
        assert_eq!(joined(ReasoningForm::ReasoningContent, "reasoning_content"), "let me see");
        assert_eq!(joined(ReasoningForm::Reasoning, "reasoning"), "let me see");
        assert_eq!(joined(ReasoningForm::Both, "reasoning"), "let me see");
        let tagged = "<think>\nlet me see\n</think>\n\n42";
        assert_eq!(joined(ReasoningForm::ThinkTags, "content"), tagged);
        assert_eq!(joined(ReasoningForm::Mirrored, "content"), tagged);
        assert_eq!(joined(ReasoningForm::Mirrored, "reasoning_content"), "let me see");
        let details: String = deltas(&says.clone().reasoning_as(ReasoningForm::ReasoningDetails))
            .iter()
            .filter_map(|delta| delta["reasoning_details"][0]["text"].as_str())
            .collect();
        assert_eq!(details, "let me see");
    }

    #[test]
    fn cumulative_deltas_repeat_what_was_said() {
        let deltas = deltas(&says().text("abcd").delta(2).cumulative());
        assert_eq!(deltas[1]["content"], "ab");
        assert_eq!(deltas[2]["content"], "abcd");
    }

    #[test]
    fn escapes_and_surrogates_are_split() {
        let plain = text(&says().text("😀").ascii());
        assert!(plain.contains(r#""content":"\ud83d\ude00""#));
        let split = text(&says().text("😀").delta(1).split_surrogates());
        assert!(split.contains(r#""content":"\ud83d""#) && split.contains(r#""content":"\ude00""#));
        // The arguments themselves hold the escape, and a piece ends between its halves.
        let arguments = text(&says().call("c", "f", json!("😀")).argument_pieces(7).ascii());
        assert!(arguments.contains(r#""arguments":"\"\\ud83d""#), "{arguments}");
        assert!(arguments.contains(r#""arguments":"\\ude00\"""#), "{arguments}");
    }

    #[test]
    fn a_whole_answer_says_the_same() {
        let says = says().reasoning("hm").text("ok").call("c", "f", json!({"a": 1}));
        assert_eq!(
            whole(&says, &asked(false)),
            json!({"id": "chatcmpl-7", "object": "chat.completion", "created": CREATED, "model": "m",
                "choices": [{"index": 0, "logprobs": null, "finish_reason": "tool_calls",
                    "message": {"role": "assistant", "content": "ok", "reasoning_content": "hm",
                        "refusal": null, "tool_calls": [{"id": "c", "type": "function",
                            "function": {"name": "f", "arguments": "{\"a\":1}"}}]}}],
                "usage": Value::from(Usage::new(11, 7)), "system_fingerprint": "fp_testkit"})
        );
        let tagged = whole(&says.reasoning_as(ReasoningForm::ThinkTags), &asked(false));
        assert_eq!(tagged["choices"][0]["message"]["content"], "<think>\nhm\n</think>\n\nok");
    }

    #[test]
    fn endings_can_be_missing_or_odd() {
        let cut = text(&says().text("a").without_finish().without_done().without_usage());
        assert!(!cut.contains("stop") && !cut.contains("[DONE]"));
        assert!(
            text(&says().finish("content_filter")).contains(r#""finish_reason":"content_filter""#)
        );
        let error = sse::json(bytes(&says().text("a").error("server_error", "overloaded", "busy")));
        assert!(error.iter().any(|chunk| chunk["error"]["message"] == "busy"));
    }

    #[test]
    fn an_answer_without_words_has_null_content() {
        let deltas = deltas(&says().call("c", "f", json!({})));
        assert_eq!(deltas[0]["content"], Value::Null);
        assert_eq!(deltas[0]["role"], "assistant");
    }
}
