//! The requests: small, shaped like a turn of Codex (60 KB), and one with a long history (1 MB).
//!
//! The same bytes in every run, made from a fixed seed. Only a serial number inside the last
//! message changes from request to request, as no two turns of a real client are the same and a
//! gateway may refuse a body that comes again and again.

use bench_raw::stamp::write_digits;
use serde_json::{Value, json};

/// Digits of the serial number.
const SERIAL: &str = "SERIAL0000000000";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    Small,
    Turn,
    History,
}

/// The dialect of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speech {
    Responses,
    Messages,
}

/// A request as bytes for the socket, with the place of its serial number.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) bytes: Vec<u8>,
    serial: usize,
}

impl Request {
    /// A `POST` for this model.
    pub(crate) fn new(host: &str, model: &str, size: Size, speech: Speech) -> Self {
        let (path, body) = match speech {
            Speech::Responses => ("/v1/responses", body(model, size).to_string()),
            Speech::Messages => ("/v1/messages", messages_body(model, size).to_string()),
        };
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\nuser-agent: bench-load\r\n\
             authorization: Bearer bench\r\naccept: */*\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        let place = body.find(SERIAL).expect("every body has a serial number");
        let serial = head.len() + place + "SERIAL".len();
        Self { bytes: (head + &body).into_bytes(), serial }
    }

    pub(crate) fn set_serial(&mut self, number: u64) {
        write_digits(&mut self.bytes[self.serial..self.serial + 10], number);
    }
}

fn body(model: &str, size: Size) -> Value {
    let mut words = Words(0x9e37_79b9_7f4a_7c15);
    if size == Size::Small {
        return json!({
            "model": model,
            "instructions": words.text(320),
            "input": [message("user", &format!("{SERIAL} {}", words.text(420)))],
            "store": false,
            "stream": false,
        });
    }
    let mut input = vec![
        message("developer", &words.text(2_000)),
        message("user", &format!("<environment_context>\n{}", words.text(600))),
        message("user", "Der Test in `src/größe.rs` schlägt fehl – bitte beheben. 修复它。"),
    ];
    let target = match size {
        Size::History => 965_000,
        _ => 23_000,
    };
    let mut written = 0;
    let mut number = 0;
    while written < target {
        let items = exchange(&mut words, number, size);
        written += items.iter().map(|item| item.to_string().len()).sum::<usize>();
        input.extend(items);
        number += 1;
    }
    input.push(message("user", &format!("{SERIAL} now run the tests again")));
    json!({
        "model": model,
        "instructions": words.text(10_000),
        "input": input,
        "tools": (0..20).map(|number| tool(&mut words, number)).collect::<Vec<_>>(),
        "tool_choice": "auto",
        "parallel_tool_calls": true,
        "reasoning": {"effort": "medium", "summary": "auto"},
        "store": false,
        "stream": true,
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "00000000-0000-4000-8000-000000000001",
    })
}

/// One step of a tool loop: reasoning, a call whose arguments are JSON, its output, a word on it.
fn exchange(words: &mut Words, number: usize, size: Size) -> Vec<Value> {
    let call_id = format!("call_{number:08}");
    let arguments = json!({
        "cmd": ["bash", "-lc", format!("rg -n \"größe\\s*=\" src | head -{number}")],
        "workdir": "/home/user/projekt",
        "justification": words.text(80),
    })
    .to_string();
    let len = if size == Size::History { 8_000 } else { 1_800 };
    let output = json!({
        "output": format!("src/größe.rs:{number}:\t\"{}\"\n✓ {}", words.text(60), words.text(len)),
        "metadata": {"exit_code": 0, "duration_seconds": 0.3},
    })
    .to_string();
    vec![
        json!({
            "type": "reasoning",
            "id": format!("rs_{number:08}"),
            "summary": [{"type": "summary_text", "text": words.text(120)}],
            "content": null,
            "encrypted_content": words.blob(900),
        }),
        json!({
            "type": "function_call",
            "id": format!("fc_{number:08}"),
            "name": "tool_00",
            "arguments": arguments,
            "call_id": call_id,
        }),
        json!({"type": "function_call_output", "call_id": call_id, "output": output}),
        json!({
            "type": "message",
            "role": "assistant",
            "id": format!("msg_{number:08}"),
            "status": "completed",
            "content": [{"type": "output_text", "text": words.text(200), "annotations": []}],
        }),
    ]
}

/// The same turn as Claude Code would send it.
fn messages_body(model: &str, size: Size) -> Value {
    let mut words = Words(0x9e37_79b9_7f4a_7c15);
    let text = |text: &str| json!({"type": "text", "text": text});
    let mut messages = vec![json!({"role": "user", "content": [
        text(&words.text(2_600)),
        text("Der Test in `src/größe.rs` schlägt fehl – bitte beheben. 修复它。"),
    ]})];
    let target = match size {
        Size::Small => 0,
        Size::Turn => 23_000,
        Size::History => 965_000,
    };
    let (mut written, mut number) = (0, 0);
    while written < target {
        let items = messages_exchange(&mut words, number, size);
        written += items.iter().map(|item| item.to_string().len()).sum::<usize>();
        messages.extend(items);
        number += 1;
    }
    messages.push(json!({"role": "user", "content": format!("{SERIAL} now run the tests again")}));
    json!({
        "model": model,
        "max_tokens": 32_000,
        "system": [text(&words.text(10_000))],
        "messages": messages,
        "tools": (0..20).map(|number| {
            let tool = tool(&mut words, number);
            json!({
                "name": tool["name"],
                "description": tool["description"],
                "input_schema": tool["parameters"],
            })
        }).collect::<Vec<_>>(),
        "thinking": {"type": "adaptive"},
        "stream": size != Size::Small,
    })
}

/// One step of a tool loop: thinking, a call, its result, a word on it.
fn messages_exchange(words: &mut Words, number: usize, size: Size) -> Vec<Value> {
    let id = format!("toolu_{number:08}");
    let input = json!({
        "cmd": ["bash", "-lc", format!("rg -n \"größe\\s*=\" src | head -{number}")],
        "workdir": "/home/user/projekt",
        "justification": words.text(80),
    });
    let len = if size == Size::History { 8_000 } else { 1_800 };
    let output = format!("src/größe.rs:{number}:\t\"{}\"\n✓ {}", words.text(60), words.text(len));
    vec![
        json!({"role": "assistant", "content": [
            {"type": "thinking", "thinking": words.text(120), "signature": words.blob(900)},
            {"type": "tool_use", "id": id, "name": "tool_00", "input": input},
        ]}),
        json!({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": id, "content": output},
        ]}),
        json!({"role": "assistant", "content": [{"type": "text", "text": words.text(200)}]}),
    ]
}

fn message(role: &str, text: &str) -> Value {
    json!({"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]})
}

fn tool(words: &mut Words, number: usize) -> Value {
    json!({
        "type": "function",
        "name": format!("tool_{number:02}"),
        "description": words.text(300),
        "strict": false,
        "parameters": {
            "type": "object",
            "properties": {
                "cmd": {"type": "array", "items": {"type": "string"}, "description": words.text(90)},
                "workdir": {"type": "string", "description": words.text(70)},
                "justification": {"type": "string", "description": words.text(70)},
                "timeout_ms": {"type": "number", "description": words.text(50)},
            },
            "required": ["cmd"],
            "additionalProperties": false,
        },
    })
}

/// Text that looks like text, from a fixed seed.
struct Words(u64);

const VOCABULARY: [&str; 16] = [
    "the",
    "function",
    "returns",
    "\"quoted\"",
    "value",
    "file",
    "of",
    "tests/",
    "when",
    "a",
    "path\\to",
    "error",
    "line\n",
    "and",
    "naïve",
    "builds",
];

impl Words {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn pick(&mut self, count: u64) -> usize {
        usize::try_from((self.next() >> 20) % count).unwrap_or(0)
    }

    fn text(&mut self, len: usize) -> String {
        let mut text = String::with_capacity(len + 16);
        while text.len() < len {
            text.push_str(VOCABULARY[self.pick(16)]);
            text.push(' ');
        }
        text
    }

    fn blob(&mut self, len: usize) -> String {
        const ALPHABET: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        (0..len).map(|_| char::from(ALPHABET[self.pick(64)])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Request, Size, Speech};

    #[test]
    fn bodies_have_the_sizes_that_the_workloads_promise() {
        for (size, range) in [
            (Size::Small, 900..1_300),
            (Size::Turn, 58_000..64_000),
            (Size::History, 980_000..1_060_000),
        ] {
            let request = Request::new("h", "bench-b", size, Speech::Responses);
            assert!(range.contains(&request.bytes.len()), "{size:?}: {}", request.bytes.len());
        }
        let turn = Request::new("h", "bench-b", Size::Turn, Speech::Messages).bytes.len();
        assert!((56_000..64_000).contains(&turn), "{turn}");
    }

    #[test]
    fn only_the_serial_number_changes() {
        let first = Request::new("h", "m", Size::Turn, Speech::Responses);
        let mut second = Request::new("h", "m", Size::Turn, Speech::Responses);
        assert_eq!(first.bytes, second.bytes);
        second.set_serial(u64::from(u32::MAX));
        assert_eq!(first.bytes.len(), second.bytes.len());
        let differ = first.bytes.iter().zip(&second.bytes).filter(|(a, b)| a != b).count();
        assert!((1..=10).contains(&differ));
        assert!(!first.bytes.windows(7).any(|window| window == b"@000000"));
    }
}
