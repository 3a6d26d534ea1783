//! What must hold for any bytes, between any two dialects. The property tests and the fuzz targets
//! call these functions, which say what is wrong; they judge no answer by its schema, as the tests
//! with servers and judges of their own do.

use super::{Answer, MAX_FRAME, Sent, request, stream, whole};
use crate::answer::Ending;
use crate::dialect::Dialect;
use crate::pass::{Place, Tap};
use crate::target::{MaxTokens, Quirk, Replay, Structured, Target, ToolChoices};
use crate::turn::{Finish, Usage};

/// Targets that between them reach every branch of the translations to and from `upstream`.
fn extremes(upstream: Dialect) -> Vec<Target> {
    let careful = || Target::careful(upstream);
    let rich = Target {
        images: true,
        tool_images: true,
        files: true,
        developer_role: true,
        structured: Structured::Schema,
        strict_tools: true,
        ..careful()
    };
    let poor = Target {
        late_system: false,
        structured: Structured::Object,
        tool_choice: ToolChoices { none: false, required: false, named: false },
        max_tools: Some(2),
        ..careful()
    };
    match upstream {
        Dialect::Chat => vec![
            careful(),
            Target {
                tool_images: false,
                max_tokens: MaxTokens::Completion,
                replay: Replay::ReasoningContent,
                quirks: vec![Quirk::ThinkTags, Quirk::ContentRequired, Quirk::PlainRefs],
                ..rich
            },
            Target {
                replay: Replay::ReasoningDetails,
                quirks: vec![Quirk::CumulativeReasoning],
                ..poor
            },
        ],
        Dialect::Responses => {
            vec![careful(), Target { custom_tools: true, web_search: true, ..rich }, poor]
        }
        Dialect::Messages => vec![
            careful(),
            Target { web_search: true, late_system: true, ..rich },
            Target { unsigned_thinking: true, ..poor },
        ],
    }
}

/// A request of each dialect that asks for whatever its answers can hold.
const fn asking(client: Dialect) -> &'static str {
    match client {
        Dialect::Chat => {
            r#"{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f"}},{"type":"custom","custom":{"name":"c"}}]}"#
        }
        Dialect::Responses => {
            r#"{"model":"m","stream":true,"input":"x","include":["reasoning.encrypted_content"],"tools":[{"type":"function","name":"f"},{"type":"custom","name":"c"},{"type":"tool_search"},{"type":"local_shell"},{"type":"web_search"}]}"#
        }
        Dialect::Messages => {
            r#"{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"x"}],"thinking":{"type":"adaptive"},"tools":[{"name":"f","input_schema":{"type":"object"}}]}"#
        }
    }
}

/// What every kind of target is sent for this body: nothing where it is refused. Whoever calls
/// this checks that each is JSON.
pub fn bodies(client: Dialect, upstream: Dialect, body: &[u8]) -> Vec<String> {
    let Ok(body) = str::from_utf8(body) else { return Vec::new() };
    let sent = extremes(upstream)
        .into_iter()
        .filter_map(|target| request(body, client, upstream, &target).ok());
    sent.map(|sent| sent.body).collect()
}

/// Whether these bytes, as a stream and as a whole answer of every kind of target, end once, keep
/// the frame of server-sent events, and say the same however they are cut.
///
/// # Errors
/// What is wrong.
pub fn ends_once(client: Dialect, upstream: Dialect, bytes: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(bytes);
    for (index, target) in extremes(upstream).into_iter().enumerate() {
        let mut sent = request(asking(client), client, upstream, &target)
            .map_err(|fault| format!("{}: {}", client.name(), fault.message))?;
        // A summary to be sealed is an answer of a kind of its own.
        sent.compact = client == Dialect::Responses && index == 2 && bytes.first() == Some(&b' ');
        let at_once = streamed_alike(bytes, &sent, &target)?;
        one_end(client, &at_once)?;
        one_end(client, &whole(&text, &sent, &target))?;
    }
    Ok(())
}

fn streamed_alike(bytes: &[u8], sent: &Sent, target: &Target) -> Result<Answer, String> {
    let at_once = stream([bytes], Ending::Closed, sent, target);
    for size in [1, 7, (bytes.len() / 2).max(1)] {
        let split = stream(bytes.chunks(size), Ending::Closed, sent, target);
        if split != at_once {
            return Err(format!(
                "pieces of {size} bytes say something else:\n{}\n{}",
                split.events, at_once.events
            ));
        }
    }
    Ok(at_once)
}

/// Whether an answer has one end, which is the last that it says, and holds nothing but fields.
fn one_end(client: Dialect, answer: &Answer) -> Result<(), String> {
    let mut ends = 0;
    let mut after = 0;
    for line in answer.events.split('\n').filter(|line| !line.is_empty()) {
        let (name, value) =
            line.split_once(": ").ok_or_else(|| format!("a line that is no field: {line}"))?;
        let is_end = match (client, name) {
            (_, name) if !matches!(name, "event" | "data") => {
                return Err(format!("a field that nobody reads: {line}"));
            }
            (Dialect::Chat, "data") => value == "[DONE]" || value.starts_with("{\"error\":"),
            (Dialect::Responses, "event") => {
                matches!(value, "response.completed" | "response.incomplete" | "response.failed")
            }
            (Dialect::Messages, "event") => matches!(value, "message_stop" | "error"),
            _ => false,
        };
        // The data of the event that ends it follow its name.
        let belongs = client != Dialect::Chat && name == "data" && after == 0;
        let closes = client == Dialect::Responses && line == "data: [DONE]";
        match () {
            () if is_end => ends += 1,
            () if ends == 0 || closes => {}
            () if belongs => after += 1,
            () => return Err(format!("said after the end: {line}\n{}", answer.events)),
        }
    }
    let closed = client != Dialect::Responses || answer.events.ends_with("data: [DONE]\n\n");
    match ends == 1 && closed && answer.events.ends_with("\n\n") {
        true => Ok(()),
        false => Err(format!("{ends} ends:\n{}", answer.events)),
    }
}

/// What is known of an answer that was passed on.
#[derive(Debug, PartialEq)]
struct Passed {
    out: Vec<u8>,
    /// An event was larger than the limit, or the answer is not whole.
    failed: bool,
    generated: bool,
    ended: bool,
    finish: Option<Finish>,
    usage: Option<Usage>,
    place: Place,
    sealed: Vec<String>,
}

fn passed<'p>(dialect: Dialect, asked: &str, pieces: impl IntoIterator<Item = &'p [u8]>) -> Passed {
    let mut tap = Tap::new(dialect, asked, MAX_FRAME);
    let mut out = Vec::new();
    let mut failed = pieces.into_iter().any(|piece| tap.push(piece, &mut out).is_err());
    failed |= tap.end(Ending::Closed, &mut out).is_some();
    Passed {
        out,
        failed,
        generated: tap.is_generated(),
        ended: tap.is_ended(),
        finish: tap.finish().cloned(),
        usage: tap.usage(),
        place: tap.place().clone(),
        sealed: tap.take_sealed(),
    }
}

/// Whether these bytes, passed on in each dialect, come out as they came up to where they break
/// off, but for the model's name, and are read alike however they are cut.
///
/// # Errors
/// What is wrong.
pub fn passes(bytes: &[u8]) -> Result<(), String> {
    for dialect in Dialect::ALL {
        let name = dialect.name();
        for asked in ["m", "another/name"] {
            let at_once = passed(dialect, asked, [bytes]);
            for size in [1, 7, (bytes.len() / 2).max(1)] {
                let split = passed(dialect, asked, bytes.chunks(size));
                if split != at_once {
                    return Err(format!(
                        "{name}: pieces of {size} bytes are read as something else:\n{split:?}\n{at_once:?}"
                    ));
                }
            }
            let left = unchanged(bytes, &at_once.out, asked).ok_or_else(|| {
                format!("{name}: a byte changed:\n{}", String::from_utf8_lossy(&at_once.out))
            })?;
            if !at_once.failed && left > 0 {
                return Err(format!("{name}: the last {left} bytes of a whole answer are missing"));
            }
            let text = String::from_utf8_lossy(bytes);
            if let Ok(answer) = Tap::new(dialect, asked, MAX_FRAME).answer(&text)
                && unchanged(text.as_bytes(), answer.as_bytes(), asked) != Some(0)
            {
                return Err(format!("{name}: a whole answer changed:\n{answer}"));
            }
        }
    }
    Ok(())
}

/// How many bytes of `came` are left when `went` is over, if `went` is `came` but for strings that
/// have become `asked`.
fn unchanged(came: &[u8], went: &[u8], asked: &str) -> Option<usize> {
    let name = format!("\"{asked}\"").into_bytes();
    let (mut came, mut went) = (came, went);
    while let Some((byte, rest)) = went.split_first() {
        let renamed = went.starts_with(&name) && !came.starts_with(&name);
        if renamed {
            let text = came.strip_prefix(b"\"")?;
            let mut escaped = false;
            let is_end = |&byte: &u8| {
                let ends = byte == b'"' && !escaped;
                escaped = byte == b'\\' && !escaped;
                ends
            };
            came = &text[text.iter().position(is_end)? + 1..];
            went = &went[name.len()..];
        } else {
            came = came.strip_prefix(std::slice::from_ref(byte))?;
            went = rest;
        }
    }
    Some(came.len())
}
