//! A Chat Completions answer as a Responses answer: the stream as events, the whole as an object.
//! Text stays the raw JSON that it came as, quotes taken off.

use std::fmt;
use std::io;

use memchr::memchr;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// One answer on its way.
#[derive(Debug)]
pub(crate) struct Answer {
    number: u64,
    /// As raw JSON, with quotes.
    model: Box<str>,
    /// All text so far, escaped as in JSON.
    text: Vec<u8>,
    /// A line whose end has not come.
    line: Vec<u8>,
    usage: Usage,
    sequence: u64,
    opened: bool,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
    #[serde(default)]
    total_tokens: u64,
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    choices: First<Choice<'a>>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow, alias = "message")]
    delta: Delta<'a>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
}

/// The first element of a list, read without allocating one.
struct First<T>(Option<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for First<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Take<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Take<T> {
            type Value = First<T>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<First<T>, A::Error> {
                let first = list.next_element()?;
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(First(first))
            }
        }
        deserializer.deserialize_seq(Take(std::marker::PhantomData))
    }
}

const ADDED: &[u8] = b",\"output_index\":0,\"content_index\":0";

impl Answer {
    pub(crate) fn new(number: u64, model: &str) -> Self {
        Self {
            number,
            model: model.into(),
            text: Vec::new(),
            line: Vec::new(),
            usage: Usage::default(),
            sequence: 0,
            opened: false,
        }
    }

    /// Takes payload of the upstream's stream and appends what it makes to `out`.
    pub(crate) fn push(&mut self, mut payload: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        while let Some(end) = memchr(b'\n', payload) {
            let (line, rest) = payload.split_at(end);
            payload = &rest[1..];
            if self.line.is_empty() {
                self.line(line, out)?;
            } else {
                let mut whole = std::mem::take(&mut self.line);
                whole.extend_from_slice(line);
                self.line(&whole, out)?;
            }
        }
        self.line.extend_from_slice(payload);
        Ok(())
    }

    /// The Responses object for a whole Chat answer.
    pub(crate) fn whole(&mut self, body: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let answer: Chunk<'_> = serde_json::from_str(text(body)?)?;
        self.usage = answer.usage.unwrap_or_default();
        if let Some(text) = answer.choices.0.and_then(|choice| choice.delta.content) {
            self.text.extend_from_slice(unquoted(text));
        }
        self.object("completed", out);
        Ok(())
    }

    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let Some(data) = line.strip_prefix(b"data: ") else { return Ok(()) };
        if data == b"[DONE]" {
            self.close(out);
            return Ok(());
        }
        if !self.opened {
            self.opened = true;
            self.open(out);
        }
        let chunk: Chunk<'_> = serde_json::from_str(text(data)?)?;
        if let Some(usage) = chunk.usage {
            self.usage = usage;
        }
        if let Some(text) = chunk.choices.0.and_then(|choice| choice.delta.content) {
            let text = unquoted(text);
            if !text.is_empty() {
                self.delta(text, out);
            }
        }
        Ok(())
    }

    fn delta(&mut self, text: &[u8], out: &mut Vec<u8>) {
        self.text.extend_from_slice(text);
        self.event("response.output_text.delta", out);
        out.extend_from_slice(b",\"item_id\":");
        self.item_id(out);
        out.extend_from_slice(ADDED);
        out.extend_from_slice(b",\"logprobs\":[],\"delta\":\"");
        out.extend_from_slice(text);
        out.extend_from_slice(b"\"}\n\n");
    }

    fn open(&mut self, out: &mut Vec<u8>) {
        for kind in ["response.created", "response.in_progress"] {
            self.event(kind, out);
            out.extend_from_slice(b",\"response\":");
            self.object("in_progress", out);
            out.extend_from_slice(b"}\n\n");
        }
        self.event("response.output_item.added", out);
        out.extend_from_slice(b",\"output_index\":0,\"item\":");
        self.message("in_progress", out);
        out.extend_from_slice(b"}\n\n");
        self.event("response.content_part.added", out);
        out.extend_from_slice(b",\"item_id\":");
        self.item_id(out);
        out.extend_from_slice(ADDED);
        out.extend_from_slice(b",\"part\":");
        self.part(out);
        out.extend_from_slice(b"}\n\n");
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        self.event("response.output_text.done", out);
        out.extend_from_slice(b",\"item_id\":");
        self.item_id(out);
        out.extend_from_slice(ADDED);
        out.extend_from_slice(b",\"logprobs\":[],\"text\":\"");
        out.extend_from_slice(&self.text);
        out.extend_from_slice(b"\"}\n\n");
        self.event("response.content_part.done", out);
        out.extend_from_slice(b",\"item_id\":");
        self.item_id(out);
        out.extend_from_slice(ADDED);
        out.extend_from_slice(b",\"part\":");
        self.part(out);
        out.extend_from_slice(b"}\n\n");
        self.event("response.output_item.done", out);
        out.extend_from_slice(b",\"output_index\":0,\"item\":");
        self.message("completed", out);
        out.extend_from_slice(b"}\n\n");
        self.event("response.completed", out);
        out.extend_from_slice(b",\"response\":");
        self.object("completed", out);
        out.extend_from_slice(b"}\n\n");
    }

    fn event(&mut self, kind: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(kind.as_bytes());
        out.extend_from_slice(b"\ndata: {\"type\":\"");
        out.extend_from_slice(kind.as_bytes());
        out.extend_from_slice(b"\",\"sequence_number\":");
        digits(self.sequence, out);
        self.sequence += 1;
    }

    fn object(&self, status: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"id\":\"resp_");
        digits(self.number, out);
        out.extend_from_slice(b"\",\"object\":\"response\",\"created_at\":1760000000,\"model\":");
        out.extend_from_slice(self.model.as_bytes());
        out.extend_from_slice(b",\"error\":null,\"incomplete_details\":null,\"status\":\"");
        out.extend_from_slice(status.as_bytes());
        out.extend_from_slice(b"\",\"output\":[");
        if status == "completed" {
            self.message(status, out);
            out.extend_from_slice(b"],\"usage\":{\"input_tokens\":");
            digits(self.usage.prompt_tokens, out);
            out.extend_from_slice(b",\"output_tokens\":");
            digits(self.usage.completion_tokens, out);
            out.extend_from_slice(b",\"total_tokens\":");
            digits(self.usage.total_tokens, out);
            out.extend_from_slice(b"}}");
        } else {
            out.extend_from_slice(b"],\"usage\":null}");
        }
    }

    fn message(&self, status: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"id\":");
        self.item_id(out);
        out.extend_from_slice(b",\"type\":\"message\",\"role\":\"assistant\",\"status\":\"");
        out.extend_from_slice(status.as_bytes());
        out.extend_from_slice(b"\",\"content\":[");
        if status == "completed" {
            self.part(out);
        }
        out.extend_from_slice(b"]}");
    }

    fn part(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(
            b"{\"type\":\"output_text\",\"annotations\":[],\"logprobs\":[],\"text\":\"",
        );
        out.extend_from_slice(&self.text);
        out.extend_from_slice(b"\"}");
    }

    fn item_id(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\"msg_");
        digits(self.number, out);
        out.extend_from_slice(b"\"");
    }
}

/// Checked once here, so that the parser need not check every string of it again.
pub(crate) fn text(bytes: &[u8]) -> io::Result<&str> {
    std::str::from_utf8(bytes).map_err(io::Error::other)
}

fn unquoted(string: &RawValue) -> &[u8] {
    string.get().strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or("").as_bytes()
}

fn digits(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::Answer;

    const STREAM: &str = concat!(
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a \\\"b\\\"\"}}]}\n\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\" c\"}}]}\n\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}}\n\n",
        "data: [DONE]\n\n",
    );

    #[test]
    fn a_stream_translates_the_same_however_it_is_cut() {
        let mut whole = Vec::new();
        Answer::new(7, "\"m\"").push(STREAM.as_bytes(), &mut whole).unwrap();
        let text = String::from_utf8(whole.clone()).unwrap();
        let events: Vec<Value> = text
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .map(|data| serde_json::from_str(data).unwrap())
            .collect();
        let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
        assert_eq!(
            kinds,
            [
                "response.created",
                "response.in_progress",
                "response.output_item.added",
                "response.content_part.added",
                "response.output_text.delta",
                "response.output_text.delta",
                "response.output_text.done",
                "response.content_part.done",
                "response.output_item.done",
                "response.completed",
            ]
        );
        let response = &events[9]["response"];
        assert_eq!(response["output"][0]["content"][0]["text"], "a \"b\" c");
        assert_eq!(response["usage"]["total_tokens"], 5);
        for cut in 0..STREAM.len() {
            let mut answer = Answer::new(7, "\"m\"");
            let mut out = Vec::new();
            answer.push(&STREAM.as_bytes()[..cut], &mut out).unwrap();
            answer.push(&STREAM.as_bytes()[cut..], &mut out).unwrap();
            assert_eq!(out, whole, "cut at {cut}");
        }
    }

    #[test]
    fn a_whole_answer_becomes_one_object() {
        let body = r#"{"choices":[{"message":{"role":"assistant","content":"hé\n"}}],"usage":{"total_tokens":4}}"#;
        let mut out = Vec::new();
        Answer::new(1, "\"m\"").whole(body.as_bytes(), &mut out).unwrap();
        let object: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(object["status"], "completed");
        assert_eq!(object["output"][0]["content"][0]["text"], "hé\n");
        assert_eq!(object["usage"]["total_tokens"], 4);
    }
}
