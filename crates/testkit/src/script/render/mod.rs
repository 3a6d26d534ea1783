//! Turns what a model says into the events of a stream or into a whole answer, member order and
//! all, as the servers of a dialect send it. Pure; when the bytes leave is [`crate::upstream`]'s
//! business. What the dialects share stands here.

mod chat;
mod messages;
mod responses;

use std::time::Duration;

use serde_json::Value;

use super::line::End;
use super::says::{Call, Part, Says};
use crate::Dialect;

/// One thing to do on the connection.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Beat {
    /// Send this: one event, comment or piece of a body.
    Send(Vec<u8>),
    Pause(Duration),
    Cut(End),
    Stall,
}

/// The facts of the request that an answer repeats or depends on.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) model: String,
    pub(crate) stream: bool,
    /// Chat: a last chunk with the usage.
    pub(crate) include_usage: bool,
    /// Messages: thinking comes with its text and not as a signature alone.
    pub(crate) thinking_shown: bool,
    /// Responses: the request without its input, for the response repeats it.
    pub(crate) rest: Value,
    pub(crate) number: usize,
}

impl Asked {
    pub(crate) fn of(body: &Value, number: usize) -> Self {
        Self {
            model: body["model"].as_str().unwrap_or("unknown").to_owned(),
            stream: body["stream"] == true,
            include_usage: body["stream_options"]["include_usage"] == true,
            thinking_shown: body["thinking"]["display"] != "omitted",
            rest: rest_of(body),
            number,
        }
    }
}

/// A request without what was said so far, which can be large.
fn rest_of(body: &Value) -> Value {
    let members = body.as_object().into_iter().flatten();
    let kept = members.filter(|(name, _)| !matches!(name.as_str(), "input" | "messages"));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

const CREATED: u64 = 1_764_000_000;

/// The answer as an event stream.
pub(crate) fn stream(dialect: Dialect, says: &Says, asked: &Asked, crlf: bool) -> Vec<Beat> {
    match dialect {
        Dialect::Chat => chat::stream(says, asked, crlf),
        Dialect::Responses => responses::stream(says, asked, crlf),
        Dialect::Messages => messages::stream(says, asked, crlf),
    }
}

/// The answer as one JSON body. A cut or a stall comes in the middle of it.
pub(crate) fn whole(dialect: Dialect, says: &Says, asked: &Asked) -> Vec<Beat> {
    let mut before = Vec::new();
    let mut after = Vec::new();
    let mut body = None;
    let mut breaks = None;
    for part in &says.parts {
        match part {
            Part::Pause(pause) => before.push(Beat::Pause(*pause)),
            Part::Cut(end) => breaks = Some(Beat::Cut(*end)),
            Part::Stall => breaks = Some(Beat::Stall),
            Part::Data(data) => body = Some(data.clone()),
            Part::Error(error) => body = Some(error.body(dialect, asked.number).to_string()),
            Part::Bytes(bytes) => after.push(Beat::Send(bytes.clone())),
            Part::Reasoning(_)
            | Part::Redacted(_)
            | Part::Text(_)
            | Part::Cited(..)
            | Part::Refusal(_)
            | Part::Call(_)
            | Part::Search(_)
            | Part::Comment(_) => {}
        }
    }
    let body = body.unwrap_or_else(|| match dialect {
        Dialect::Chat => chat::whole(says, asked).to_string(),
        Dialect::Responses => responses::whole(says, asked).to_string(),
        Dialect::Messages => messages::whole(says, asked),
    });
    let body = body.into_bytes();
    let mut beats = before;
    match breaks {
        Some(broken) => beats.extend([Beat::Send(body[..body.len() / 2].to_vec()), broken]),
        None => {
            beats.push(Beat::Send(body));
            beats.extend(after);
        }
    }
    beats
}

/// The beats of a stream, and the line ends that they are written with.
struct Events {
    crlf: bool,
    beats: Vec<Beat>,
}

impl Events {
    fn new(crlf: bool) -> Self {
        Self { crlf, beats: Vec::new() }
    }

    /// One event without a name.
    fn data(&mut self, data: &str) {
        let lines: Vec<String> = data.split('\n').map(|line| format!("data: {line}\n")).collect();
        self.send(format!("{}\n", lines.concat()));
    }

    /// One event with a name.
    fn event(&mut self, name: &str, data: &str) {
        let lines: Vec<String> = data.split('\n').map(|line| format!("data: {line}\n")).collect();
        self.send(format!("event: {name}\n{}\n", lines.concat()));
    }

    /// One event that is named as its `type`, if it has one and the script names events.
    fn typed(&mut self, says: &Says, data: &str) {
        let value: Value = serde_json::from_str(data).unwrap_or_default();
        match value["type"].as_str() {
            Some(name) if says.named => self.event(name, data),
            _ => self.data(data),
        }
    }

    fn send(&mut self, text: String) {
        let text = if self.crlf { text.replace('\n', "\r\n") } else { text };
        self.beats.push(Beat::Send(text.into_bytes()));
    }

    /// Does what every dialect does with a part that is not the model's; `None` when the stream
    /// goes on, `Some` when it breaks here.
    fn aside(&mut self, part: &Part) -> Option<()> {
        match part {
            Part::Comment(text) => self.send(format!(": {text}\n\n")),
            Part::Bytes(bytes) => self.beats.push(Beat::Send(bytes.clone())),
            Part::Pause(pause) => self.beats.push(Beat::Pause(*pause)),
            Part::Cut(end) => {
                self.beats.push(Beat::Cut(*end));
                return Some(());
            }
            Part::Stall => {
                self.beats.push(Beat::Stall);
                return Some(());
            }
            _ => {}
        }
        None
    }
}

fn is_call(part: &Part) -> bool {
    matches!(part, Part::Call(_))
}

fn calls_of_parts(parts: &[Part]) -> impl Iterator<Item = &Call> {
    parts.iter().filter_map(|part| match part {
        Part::Call(call) => Some(call),
        _ => None,
    })
}

fn calls_of(says: &Says) -> impl Iterator<Item = &Call> {
    calls_of_parts(&says.parts)
}

fn arguments_of(says: &Says, call: &Call) -> String {
    if !says.ascii || says.split_surrogates {
        return call.arguments.clone();
    }
    // Escapes inside the arguments themselves: `\ud83d\ude00` are twelve characters of JSON text
    // that pieces can split between the two halves.
    let mut text = String::new();
    for character in call.arguments.chars() {
        if character.is_ascii() {
            text.push(character);
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}

fn model_of(says: &Says, asked: &Asked) -> String {
    says.model.clone().unwrap_or_else(|| asked.model.clone())
}

/// The pieces of a text as JSON strings.
fn deltas_of(says: &Says, text: &str) -> Vec<String> {
    let pieces = pieces(text, says.delta, says.split_surrogates);
    let quoted = |units: &[u16]| quote(units, says.ascii);
    if !says.cumulative {
        return pieces.iter().map(|piece| quoted(piece)).collect();
    }
    (1..=pieces.len()).map(|count| quoted(&pieces[..count].concat())).collect()
}

/// The pieces of a call's arguments as JSON strings.
fn argument_deltas(says: &Says, call: &Call) -> Vec<String> {
    let pieces = pieces(&arguments_of(says, call), says.argument_piece, says.split_surrogates);
    pieces.iter().map(|piece| quote(piece, says.ascii)).collect()
}

/// A text as one JSON string, escaped as the script wishes.
fn quoted(says: &Says, text: &str) -> String {
    quote(&text.encode_utf16().collect::<Vec<_>>(), says.ascii)
}

/// Cuts a text into pieces of `size` characters, or of UTF-16 units. Zero means one piece.
fn pieces(text: &str, size: usize, units: bool) -> Vec<Vec<u16>> {
    if text.is_empty() {
        return Vec::new();
    }
    let all: Vec<u16> = text.encode_utf16().collect();
    if size == 0 {
        return vec![all];
    }
    if units {
        return all.chunks(size).map(<[u16]>::to_vec).collect();
    }
    let characters: Vec<char> = text.chars().collect();
    let piece = |chars: &[char]| chars.iter().collect::<String>().encode_utf16().collect();
    characters.chunks(size).map(piece).collect()
}

/// A JSON string. A lone surrogate is always escaped, for nothing else can express it.
fn quote(units: &[u16], ascii: bool) -> String {
    let mut text = String::from("\"");
    for decoded in char::decode_utf16(units.iter().copied()) {
        match decoded {
            Ok('"') => text.push_str("\\\""),
            Ok('\\') => text.push_str("\\\\"),
            Ok('\n') => text.push_str("\\n"),
            Ok('\r') => text.push_str("\\r"),
            Ok('\t') => text.push_str("\\t"),
            Ok(control) if control < ' ' => text.push_str(&format!("\\u{:04x}", control as u32)),
            Ok(character) if !ascii || character.is_ascii() => text.push(character),
            Ok(character) => {
                let mut pair = [0; 2];
                for unit in character.encode_utf16(&mut pair) {
                    text.push_str(&format!("\\u{unit:04x}"));
                }
            }
            Err(lone) => text.push_str(&format!("\\u{:04x}", lone.unpaired_surrogate())),
        }
    }
    text.push('"');
    text
}
