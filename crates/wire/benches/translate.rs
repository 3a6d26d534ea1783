//! What the two translations cost: the requests of `make bench` (60 KB from Codex, 1 MB of history)
//! and one event of a stream, decoded and encoded. The goal for an event is half a microsecond.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use serde_json::{Value, json};
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use wire::answer::{Ending, Head, Setting};
use wire::chat::Decoder;
use wire::dialect::Dialect;
use wire::drive::{self, ClearVault, NOW, Sent};
use wire::drive_messages;
use wire::drive_responses;
use wire::json::Document;
use wire::messages;
use wire::note::Notes;
use wire::responses::Encoder;
use wire::sse;
use wire::target::Target;

fn tools() -> Value {
    let function = |n: usize| {
        json!({"type": "function", "name": format!("tool_{n}"), "strict": false, "description": "What it does, in some words. ".repeat(12),
            "parameters": {"type": "object", "additionalProperties": false, "required": ["cmd"], "properties": {
                "cmd": {"type": "string", "description": "Shell command to execute."},
                "workdir": {"type": "string", "description": "Where to run it."},
                "words": {"type": "array", "items": {"type": "string"}},
                "timeout_ms": {"type": "number", "description": "How long to wait."}}}})
    };
    let mut tools: Vec<Value> = (0..14).map(function).collect();
    tools.push(json!({"type": "custom", "name": "apply_patch", "description": "Patches files.",
        "format": {"type": "grammar", "syntax": "lark", "definition": "start: begin_patch hunk+ end_patch\n".repeat(10)}}));
    tools.push(json!({"type": "namespace", "name": "mcp__toy", "description": "A toy.", "tools": [function(90), function(91)]}));
    tools.into()
}

/// A request of about this size, as Codex sends it.
fn request(bytes: usize) -> String {
    let text = |text: &str| json!([{"type": "input_text", "text": text}]);
    let words = "You are a coding agent.\nSay \"what\" you do, and `why`.\n\n";
    let mut input = vec![
        json!({"type": "message", "id": "msg_1", "role": "developer", "content": text(&words.repeat(350))}),
        json!({"type": "message", "id": "msg_2", "role": "user", "content": text("<environment_context>\n</environment_context>")}),
        json!({"type": "message", "id": "msg_3", "role": "user", "content": text("make it work")}),
    ];
    let mut size = 35_000;
    for round in 0.. {
        if size >= bytes {
            break;
        }
        let id = format!("call_{round}");
        let output = format!(
            "Chunk ID: {round}\nWall time: 0.05 seconds\nOutput:\n{}",
            "src/main.rs:12: let x = \"y\";\n".repeat(60)
        );
        size += output.len() + 500;
        input.push(json!({"type": "reasoning", "id": "rs_1", "summary": [], "content": null, "encrypted_content": "sealed-reasoning:let me look at the file first"}));
        input.push(json!({"type": "function_call", "id": "fc_1", "call_id": id, "name": "tool_1", "arguments": "{\"cmd\":\"rg -n \\\"let x\\\" src\",\"workdir\":\"/home/user/project\"}"}));
        input.push(
            json!({"type": "function_call_output", "id": "fco_1", "call_id": id, "output": output}),
        );
    }
    json!({"model": "gpt-5.5", "stream": true, "input": input, "tools": tools(), "tool_choice": "auto", "parallel_tool_calls": true,
        "reasoning": {"effort": "medium", "summary": "auto"}, "store": false, "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "00000000-0000-4000-8000-000000000001", "client_metadata": {"session_id": "x"}})
    .to_string()
}

/// A Messages server that takes thinking with its signature and marks for its prompt cache.
fn messages_target() -> Target {
    let mut target = Target::careful(Dialect::Messages);
    target.model = "claude-sonnet-4-5".to_owned();
    target.accepts.push("cache_control".to_owned());
    target
}

fn requests(criterion: &mut Criterion) {
    let target = Target { model: "deepseek-v4-pro".to_owned(), ..Target::default() };
    let messages = messages_target();
    let mut group = criterion.benchmark_group("request");
    for (name, bytes) in [("60 KB", 60_000), ("1 MB", 1_000_000)] {
        let body = request(bytes);
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(name, |bencher| {
            // The driver copies the body once, as reading it from a socket does.
            bencher.iter(|| drive::request(black_box(&body), &target));
        });
        // A thought as a Messages server signed it; without, thinking would be left out.
        let thought =
            r#"\u0001{\"text\":\"let me look at the file first\",\"signature\":\"EqQBCgIYAhIM\"}"#;
        let signed = body.replace("let me look at the file first", thought);
        group.bench_function(format!("{name}, to Messages"), |bencher| {
            bencher.iter(|| drive_messages::request(black_box(&signed), &messages));
        });
        group.bench_function(format!("{name}, index only"), |bencher| {
            bencher.iter_batched(|| body.clone(), Document::parse, BatchSize::LargeInput);
        });
    }
    group.finish();
}

/// A stream with this many equal events, and its text per event.
fn stream(delta: &str, events: usize) -> String {
    let chunk = |delta: &str, finish: &str| {
        format!(
            "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1764000000,\"model\":\"deepseek-v4-pro\",\"system_fingerprint\":\"fp_1\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"logprobs\":null,\"finish_reason\":{finish}}}]}}\n\n"
        )
    };
    let first = r#"{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"tool_1","arguments":"{\"cmd\":\""}}]}"#;
    let mut stream = String::new();
    if delta.contains("tool_calls") {
        stream.push_str(&chunk(first, "null"));
    }
    stream.push_str(&chunk(delta, "null").repeat(events));
    stream.push_str(&chunk("{}", "\"stop\""));
    stream.push_str("data: [DONE]\n\n");
    stream
}

fn encoder(sent: &Sent) -> Encoder<ClearVault> {
    let head = Head {
        stem: "t".to_owned(),
        created_at: NOW,
        model: "m".to_owned(),
        echo: "".into(),
        sequence: AtomicU64::new(0),
    };
    let setting = Setting { names: sent.names.clone(), seal_reasoning: true, ..Setting::default() };
    Encoder::new(Arc::new(head), setting, ClearVault, Notes::default())
}

fn events(criterion: &mut Criterion) {
    const EVENTS: usize = 1000;
    let target = Target::default();
    let sent = drive::request(&request(60_000), &target).expect("the request is good");
    let mut group = criterion.benchmark_group("one event");
    for (name, delta) in [
        ("text", r#"{"content":" some words"}"#),
        ("text with an escape", r#"{"content":" some\nwords"}"#),
        ("reasoning", r#"{"reasoning_content":" some words"}"#),
        ("arguments", r#"{"tool_calls":[{"index":0,"function":{"arguments":" some words"}}]}"#),
    ] {
        let stream = stream(delta, EVENTS);
        group.throughput(Throughput::Elements(EVENTS as u64));
        group.bench_function(name, |bencher| {
            bencher.iter_batched_ref(
                || {
                    (
                        encoder(&sent),
                        sse::Decoder::new(1 << 20),
                        Decoder::new(&target, "c"),
                        String::with_capacity(1 << 20),
                    )
                },
                |(encoder, frames, decoder, out)| {
                    // Reads of a socket are about this large.
                    for piece in stream.as_bytes().chunks(16 << 10) {
                        let mut frame = |frame: sse::Frame<'_>| {
                            decoder.push(frame, &mut |event| encoder.push(event, NOW, out));
                        };
                        frames.push(piece, &mut frame).expect("the stream is good");
                        out.clear();
                    }
                    decoder.end(Ending::Closed, &mut |event| encoder.push(event, NOW, out));
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

/// A Messages stream with this many equal events.
fn messages_stream(block: &str, delta: &str, events: usize) -> String {
    let event =
        |name: &str, rest: &str| format!("event: {name}\ndata: {{\"type\":\"{name}\"{rest}}}\n\n");
    let mut stream = event(
        "message_start",
        r#","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":25,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1}}"#,
    );
    stream += &event("content_block_start", &format!(r#","index":0,"content_block":{block}"#));
    stream +=
        &event("content_block_delta", &format!(r#","index":0,"delta":{delta}"#)).repeat(events);
    stream += &event("content_block_stop", r#","index":0"#);
    stream += &event(
        "message_delta",
        r#","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":12}"#,
    );
    stream += &event("message_stop", "");
    stream
}

fn messages_events(criterion: &mut Criterion) {
    const EVENTS: usize = 1000;
    let target = messages_target();
    let sent = drive_messages::request(&request(60_000), &target).expect("the request is good");
    let mut group = criterion.benchmark_group("one event of Messages");
    for (name, block, delta) in [
        ("text", r#"{"type":"text","text":""}"#, r#"{"type":"text_delta","text":" some words"}"#),
        (
            "thinking",
            r#"{"type":"thinking","thinking":"","signature":""}"#,
            r#"{"type":"thinking_delta","thinking":" some words"}"#,
        ),
        (
            "arguments",
            r#"{"type":"tool_use","id":"toolu_1","name":"tool_1","input":{}}"#,
            r#"{"type":"input_json_delta","partial_json":" some words"}"#,
        ),
    ] {
        let stream = messages_stream(block, delta, EVENTS);
        group.throughput(Throughput::Elements(EVENTS as u64));
        group.bench_function(name, |bencher| {
            bencher.iter_batched_ref(
                || {
                    (
                        encoder(&sent),
                        sse::Decoder::new(1 << 20),
                        messages::Decoder::new(&target, "c"),
                        String::with_capacity(1 << 20),
                    )
                },
                |(encoder, frames, decoder, out)| {
                    for piece in stream.as_bytes().chunks(16 << 10) {
                        let mut frame = |frame: sse::Frame<'_>| {
                            decoder.push(frame, &mut |event| encoder.push(event, NOW, out));
                        };
                        frames.push(piece, &mut frame).expect("the stream is good");
                        out.clear();
                    }
                    decoder.end(Ending::Closed, &mut |event| encoder.push(event, NOW, out));
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

/// Events of a Responses server, for a client of the same dialect: what decoding them costs.
fn responses_events(criterion: &mut Criterion) {
    const EVENTS: usize = 1000;
    let target = Target::careful(Dialect::Responses);
    let sent = drive_responses::request(&request(60_000), &target).expect("the request is good");
    let mut group = criterion.benchmark_group("one Responses event");
    for (name, item, delta) in [
        (
            "text",
            r#"{"id":"msg_0","type":"message","role":"assistant","content":[]}"#,
            r#""response.output_text.delta","content_index":0,"delta":" some words","logprobs":[]"#,
        ),
        (
            "text with an escape",
            r#"{"id":"msg_0","type":"message","role":"assistant","content":[]}"#,
            r#""response.output_text.delta","content_index":0,"delta":" some\nwords","logprobs":[]"#,
        ),
        (
            "arguments",
            r#"{"id":"msg_0","type":"function_call","call_id":"c","name":"tool_1","arguments":""}"#,
            r#""response.function_call_arguments.delta","delta":" some words""#,
        ),
    ] {
        let name_of = delta.split('"').nth(1).expect("a type");
        let event =
            |name: &str, rest: &str| format!("event: {name}\ndata: {{\"type\":{rest}}}\n\n");
        let mut stream = event(
            "response.output_item.added",
            &format!(
                r#""response.output_item.added","output_index":0,"sequence_number":2,"item":{item}"#
            ),
        );
        stream.push_str(&event(name_of, &format!(r#"{delta},"item_id":"msg_0","output_index":0,"sequence_number":7,"obfuscation":"abcdef""#)).repeat(EVENTS));
        stream.push_str(&event(
            "response.completed",
            r#""response.completed","response":{"status":"completed","output":[]}"#,
        ));
        group.throughput(Throughput::Elements(EVENTS as u64));
        group.bench_function(name, |bencher| {
            bencher.iter_batched_ref(
                || {
                    (
                        encoder(&sent),
                        sse::Decoder::new(1 << 20),
                        wire::responses::Decoder::new(&target, "c"),
                        String::with_capacity(1 << 20),
                    )
                },
                |(encoder, frames, decoder, out)| {
                    for piece in stream.as_bytes().chunks(16 << 10) {
                        let mut frame = |frame: sse::Frame<'_>| {
                            decoder.push(frame, &mut |event| encoder.push(event, NOW, out));
                        };
                        frames.push(piece, &mut frame).expect("the stream is good");
                        out.clear();
                    }
                    decoder.end(Ending::Closed, &mut |event| encoder.push(event, NOW, out));
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

criterion_group! {
    name = all;
    config = Criterion::default().sample_size(20).warm_up_time(std::time::Duration::from_millis(500)).measurement_time(std::time::Duration::from_secs(2));
    targets = requests, events, messages_events, responses_events
}
criterion_main!(all);
