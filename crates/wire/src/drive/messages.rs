//! The way from a Messages client to a Chat Completions server and back, for the tests of that
//! dialect.

use super::{Answer, ClearVault, MAX_FRAME, NOW, Sent, extremes};
use crate::answer::{Ending, Head, Setting};
use crate::chat;
use crate::fault::{Fault, Kind, Phase};
use crate::json::Document;
use crate::messages::{self, Encoder};
use crate::note::Notes;
use crate::sse;
use crate::target::Target;
use crate::turn::Event;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// A Messages request to a Chat request.
///
/// # Errors
/// The body is not JSON, or the request is refused.
pub fn request(body: &str, target: &Target) -> Result<Sent, Fault> {
    let document = Document::parse(body.to_owned())
        .map_err(|error| Fault::bad_request("", error.to_string()))?;
    let mut notes = Notes::default();
    let turn = messages::parse(document.root(), &mut notes)?;
    let rendered = chat::render(&turn, target, &ClearVault, String::new(), &mut notes)?;
    let model =
        document.root().get("model").and_then(|model| Some(model.as_str()?.text().into_owned()));
    Ok(Sent {
        body: rendered.body,
        names: rendered.names,
        notes,
        summary: turn.settings.summary,
        seal_reasoning: turn.settings.seal_reasoning,
        compact: turn.settings.compact,
        stream: turn.settings.stream,
        echo: String::new(),
        model: model.unwrap_or_default(),
    })
}

/// The answer to `sent` whose stream arrives in these pieces and then ends in this way.
pub fn stream<'p>(
    pieces: impl IntoIterator<Item = &'p [u8]>,
    ending: Ending,
    sent: &Sent,
    target: &Target,
) -> Answer {
    let mut writer = Writer::new(sent);
    let mut frames = sse::Decoder::new(MAX_FRAME);
    let mut decoder = chat::Decoder::new(target, "call_t_");
    let mut broken = None;
    {
        let mut frame =
            |frame: sse::Frame<'_>| decoder.push(frame, &mut |event| writer.event(event));
        for piece in pieces {
            broken = frames.push(piece, &mut frame).err();
            if broken.is_some() {
                break;
            }
        }
        if broken.is_none() && ending == Ending::Closed {
            broken = frames.end(&mut frame).err();
        }
    }
    let ending = match broken {
        Some(broken) => Ending::Broken(Fault {
            phase: Phase::Sent,
            ..Fault::new(Kind::Protocol, broken.to_string())
        }),
        None => ending,
    };
    decoder.end(ending, &mut |event| writer.event(event));
    writer.answer()
}

/// The answer to `sent` that arrives in one piece.
pub fn whole(body: &str, sent: &Sent, target: &Target) -> Answer {
    let mut writer = Writer::new(sent);
    chat::Decoder::new(target, "call_t_").answer(body, &mut |event| writer.event(event));
    writer.answer()
}

/// The answer to `sent` that these events make, whoever they come from.
pub fn written<'e>(events: impl IntoIterator<Item = Event<'e>>, sent: &Sent) -> Answer {
    let mut writer = Writer::new(sent);
    events.into_iter().for_each(|event| writer.event(event));
    writer.answer()
}

struct Writer {
    encoder: Encoder<ClearVault>,
    events: String,
}

impl Writer {
    fn new(sent: &Sent) -> Self {
        let head = Arc::new(Head {
            stem: "t".to_owned(),
            created_at: NOW,
            model: sent.model.clone(),
            echo: "".into(),
            sequence: AtomicU64::new(0),
        });
        let mut events = String::new();
        messages::encode::begin(&head, &mut events);
        let setting = Setting {
            names: sent.names.clone(),
            summary: sent.summary,
            seal_reasoning: sent.seal_reasoning,
            whole: true,
            request_id: "req_t".to_owned(),
            provider: "test".to_owned(),
            upstream_model: "m".to_owned(),
            input_estimate: (sent.body.len() / 4) as u64,
            ..Setting::default()
        };
        Self { encoder: Encoder::new(head, setting, ClearVault, sent.notes.clone()), events }
    }

    fn event(&mut self, event: Event<'_>) {
        self.encoder.push(event, NOW, &mut self.events);
    }

    fn answer(mut self) -> Answer {
        let (usage, notes) = (self.encoder.usage(), self.encoder.notes().clone());
        Answer { events: self.events, object: self.encoder.take_object(), usage, notes }
    }
}

/// What every kind of target is sent for this body: nothing where it is refused. Whoever calls
/// this checks that each is JSON.
pub fn bodies(body: &[u8]) -> Vec<String> {
    let Ok(body) = str::from_utf8(body) else { return Vec::new() };
    let sent = extremes().into_iter().filter_map(|target| request(body, &target).ok());
    sent.map(|sent| sent.body).collect()
}

/// Whether these bytes, as a stream and as a whole answer of every kind of target, end once, keep
/// the frame of server-sent events, and say the same however they are cut.
///
/// # Errors
/// What is wrong.
pub fn ends_once(bytes: &[u8]) -> Result<(), String> {
    let asked = r#"{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"x"}],"thinking":{"type":"adaptive"},"tools":[{"name":"f","input_schema":{"type":"object"}}]}"#;
    for target in extremes() {
        let sent = request(asked, &target).map_err(|fault| fault.to_string())?;
        let whole = stream([bytes], Ending::Closed, &sent, &target);
        for size in [1, 7, (bytes.len() / 2).max(1)] {
            let split = stream(bytes.chunks(size), Ending::Closed, &sent, &target);
            if split != whole {
                return Err(format!(
                    "pieces of {size} bytes say something else:\n{}\n{}",
                    split.events, whole.events
                ));
            }
        }
        let text = String::from_utf8_lossy(bytes);
        for answer in [whole, self::whole(&text, &sent, &target)] {
            let mut ends = 0;
            for line in answer.events.split('\n') {
                match line.split_once(": ") {
                    Some(("event", "message_stop" | "error")) => ends += 1,
                    Some(("event" | "data", _)) if ends > 1 => {}
                    Some(("event", _)) if ends > 0 => ends += 1,
                    Some(("event" | "data", _)) => {}
                    _ if line.is_empty() => {}
                    _ => return Err(format!("a line that is no field: {line}")),
                }
            }
            if ends != 1 {
                return Err(format!("{ends} ends:\n{}", answer.events));
            }
        }
    }
    Ok(())
}
