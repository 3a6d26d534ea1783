//! A whole stream of Messages: how it opens, in which order blocks come, that each is opened,
//! filled by its own deltas and closed once, and that the stream ends once, truthfully.

use serde_json::{Value, json};

use super::{judge_block, judge_ids, judge_reason, judge_tokens, shape};
use crate::judge::{Complaint, Findings, Rule};

/// Where a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Start,
    Open,
    /// `message_delta` came: only `message_stop` is left.
    Stopping,
    Ended,
}

/// A block while it streams.
struct Block {
    /// The block as it was opened, filled as its deltas come.
    value: Value,
    /// The pieces of a call's input.
    input: String,
    signed: bool,
    closed: bool,
}

struct Stream {
    findings: Findings,
    stage: Stage,
    start_output: u64,
    blocks: Vec<Block>,
}

pub(in crate::judge) fn judge(frames: &[(String, String)]) -> Result<(), Vec<Complaint>> {
    let mut stream = Stream {
        findings: Findings::default(),
        stage: Stage::Start,
        start_output: 0,
        blocks: Vec::new(),
    };
    for (index, (name, data)) in frames.iter().enumerate() {
        stream.frame(index, name, data);
    }
    stream.findings.at = "the end".to_owned();
    if stream.stage != Stage::Ended {
        stream.say(Rule::Terminal, "neither `message_stop` nor `error` came");
    }
    stream.findings.verdict()
}

impl Block {
    fn kind(&self) -> &str {
        self.value["type"].as_str().unwrap_or_default()
    }
}

impl Stream {
    fn say(&mut self, rule: Rule, message: impl Into<String>) {
        self.findings.say(rule, message);
    }

    fn frame(&mut self, index: usize, name: &str, data: &str) {
        self.findings.at = format!("frame {index} ({name})");
        if data == "[DONE]" {
            return self.say(Rule::Done, "Messages has no `[DONE]`");
        }
        let event = match serde_json::from_str::<Value>(data) {
            Ok(event) if event["type"].is_string() => event,
            Ok(_) => return self.say(Rule::Json, "the data is not an object with a `type`"),
            Err(error) => return self.say(Rule::Json, format!("the data is not JSON: {error}")),
        };
        let kind = event["type"].as_str().unwrap_or_default();
        if kind != name {
            self.say(Rule::Name, format!("`event: {name}` carries `{kind}`"));
        }
        if let Some(shape) = shape::event(&event, &mut self.findings) {
            shape.judge(&event, "", &mut self.findings);
        }
        self.step(kind, &event);
    }

    fn step(&mut self, kind: &str, event: &Value) {
        match self.stage {
            Stage::Ended => return self.say(Rule::Terminal, format!("`{kind}` after the end")),
            Stage::Start if !matches!(kind, "message_start" | "error") => {
                self.say(Rule::Opening, format!("the stream begins with `{kind}`"));
                self.stage = Stage::Open;
            }
            Stage::Stopping if !matches!(kind, "message_stop" | "error" | "ping") => {
                self.say(Rule::Terminal, format!("`{kind}` after `message_delta`"));
            }
            Stage::Start | Stage::Open | Stage::Stopping => {}
        }
        match kind {
            "message_start" => self.start(&event["message"]),
            "content_block_start" => self.open(event),
            "content_block_delta" => self.fill(event),
            "content_block_stop" => self.close(event),
            "message_delta" => self.finish(event),
            "message_stop" => {
                if self.stage != Stage::Stopping {
                    self.say(Rule::Terminal, "`message_stop` without `message_delta` before it");
                }
                self.stage = Stage::Ended;
            }
            "error" => {
                shape::ERROR.judge(&event["error"], "error", &mut self.findings);
                self.stage = Stage::Ended;
            }
            _ => {}
        }
    }

    fn start(&mut self, message: &Value) {
        if self.stage != Stage::Start {
            return self.say(Rule::Opening, "`message_start` comes twice");
        }
        self.stage = Stage::Open;
        shape::MESSAGE.judge(message, "message", &mut self.findings);
        shape::USAGE.judge(&message["usage"], "message.usage", &mut self.findings);
        self.start_output = message["usage"]["output_tokens"].as_u64().unwrap_or_default();
        super::judge_name(message, "message.", &mut self.findings);
        if message["content"] != json!([]) {
            self.say(Rule::Opening, "`content` is filled before its blocks are opened");
        }
        for member in ["stop_reason", "stop_sequence", "quire"] {
            if !message[member].is_null() {
                self.say(Rule::Opening, format!("`{member}` is known before the end"));
            }
        }
    }

    fn open(&mut self, event: &Value) {
        let block = &event["content_block"];
        if let Some(shape) = shape::block(block, "content_block", &mut self.findings) {
            shape.judge(block, "content_block", &mut self.findings);
        }
        let index = index_of(event);
        if index < self.blocks.len() {
            return self.say(Rule::Lifecycle, format!("block {index} is opened twice"));
        }
        if index > self.blocks.len() {
            let message = format!("block {index} is opened as number {}", self.blocks.len());
            self.say(Rule::Order, message);
        }
        if self.blocks.last().is_some_and(|block| !block.closed) {
            self.say(Rule::Lifecycle, "a block is opened inside another");
        }
        let filled = match block["type"].as_str().unwrap_or_default() {
            "text" => block["text"] != "",
            "thinking" => block["thinking"] != "" || block["signature"] != "",
            kind if is_call(kind) => block["input"] != json!({}),
            _ => false,
        };
        if filled {
            self.say(Rule::Lifecycle, "the block is filled before its deltas");
        }
        let value = block.clone();
        self.blocks.push(Block { value, input: String::new(), signed: false, closed: false });
    }

    /// The block that an event belongs to; a complaint where it is not open.
    fn block(&mut self, event: &Value) -> Option<&mut Block> {
        let kind = event["type"].as_str().unwrap_or_default();
        let index = index_of(event);
        let message = match self.blocks.get(index) {
            None => format!("`{kind}` for block {index}, which was not opened"),
            Some(block) if block.closed => format!("`{kind}` for block {index}, which is closed"),
            Some(_) => return self.blocks.get_mut(index),
        };
        self.say(Rule::Lifecycle, message);
        None
    }

    fn fill(&mut self, event: &Value) {
        let delta = &event["delta"];
        let Some(shape) = shape::delta(delta, &mut self.findings) else { return };
        shape.judge(delta, "delta", &mut self.findings);
        if delta["type"] == "citations_delta" {
            shape::judge_citation(&delta["citation"], "delta.citation", &mut self.findings);
        }
        let Some(block) = self.block(event) else { return };
        let kind = delta["type"].as_str().unwrap_or_default();
        let holder = block.value["type"].as_str().unwrap_or_default().to_owned();
        let text = |member: &str| delta[member].as_str().unwrap_or_default();
        let mut wrong = None;
        match (kind, holder.as_str()) {
            ("text_delta", "text") => append(&mut block.value["text"], text("text")),
            ("citations_delta", "text") => {
                let citations = &mut block.value["citations"];
                if !citations.is_array() {
                    *citations = json!([]);
                }
                if let Some(list) = citations.as_array_mut() {
                    list.push(delta["citation"].clone());
                }
            }
            ("thinking_delta", "thinking") => {
                if block.signed {
                    wrong = Some("thinking goes on after its signature".to_owned());
                }
                append(&mut block.value["thinking"], text("thinking"));
            }
            ("signature_delta", "thinking") => {
                if std::mem::replace(&mut block.signed, true) {
                    wrong = Some("thinking is signed twice".to_owned());
                }
                block.value["signature"] = delta["signature"].clone();
            }
            ("input_json_delta", holder) if is_call(holder) => {
                block.input.push_str(text("partial_json"));
            }
            (kind, holder) => wrong = Some(format!("`{kind}` inside a block `{holder}`")),
        }
        if let Some(message) = wrong {
            self.say(Rule::Lifecycle, message);
        }
    }

    fn close(&mut self, event: &Value) {
        let Some(block) = self.block(event) else { return };
        block.closed = true;
        let mut value = block.value.clone();
        let mut wrong = None;
        if is_call(value["type"].as_str().unwrap_or_default()) && !block.input.is_empty() {
            match serde_json::from_str::<Value>(&block.input) {
                Ok(input) => value["input"] = input,
                Err(error) => wrong = Some(format!("the deltas add up to no JSON: {error}")),
            }
            block.value["input"] = value["input"].clone();
        }
        if let Some(message) = wrong {
            self.say(Rule::Sum, message);
        }
        let path = format!("content[{}]", index_of(event));
        let mut closed = Findings { at: self.findings.at.clone(), ..Findings::default() };
        judge_block(&value, &path, &mut closed);
        // What was said when the block was opened is not said again.
        for complaint in closed.complaints {
            let known = |said: &Complaint| {
                said.rule == complaint.rule
                    && said.message == complaint.message
                    && matches!(said.rule, Rule::UnknownType | Rule::UnknownMember | Rule::Missing)
            };
            if !self.findings.complaints.iter().any(known) {
                self.findings.complaints.push(complaint);
            }
        }
    }

    fn finish(&mut self, event: &Value) {
        if self.stage == Stage::Stopping {
            return;
        }
        self.stage = Stage::Stopping;
        // A call that a limit cut is never closed: clients run calls as soon as they are.
        let reason = event["delta"]["stop_reason"].as_str().unwrap_or_default();
        let cut = matches!(reason, "max_tokens" | "refusal");
        let whole = match self.blocks.split_last() {
            Some((last, before)) if cut && is_call(last.kind()) => before,
            _ => &self.blocks,
        };
        if whole.iter().any(|block| !block.closed) {
            self.say(Rule::Lifecycle, "the message stops while a block is open");
        }
        shape::LAST.judge(&event["delta"], "delta", &mut self.findings);
        shape::LAST_USAGE.judge(&event["usage"], "usage", &mut self.findings);
        let blocks: Vec<&Value> = self.blocks.iter().map(|block| &block.value).collect();
        judge_ids(&blocks, &mut self.findings);
        judge_reason(&event["delta"], &blocks, &mut self.findings);
        judge_tokens(&event["usage"], &mut self.findings);
        let output = event["usage"]["output_tokens"].as_u64().unwrap_or(self.start_output);
        if output < self.start_output {
            let message = format!("{} output tokens became {output}", self.start_output);
            self.say(Rule::Usage, message);
        }
    }
}

pub(super) fn is_call(kind: &str) -> bool {
    matches!(kind, "tool_use" | "server_tool_use" | "mcp_tool_use")
}

fn append(member: &mut Value, more: &str) {
    let mut text = member.as_str().unwrap_or_default().to_owned();
    text.push_str(more);
    *member = Value::String(text);
}

fn index_of(event: &Value) -> usize {
    event["index"].as_u64().and_then(|index| usize::try_from(index).ok()).unwrap_or(usize::MAX)
}
