//! Clients of the two other dialects in front of a Responses server.

use super::requests::TestVault;
use serde_json::Value;
use std::sync::Arc;
use testkit::judge;
use wire::answer::{Ending, Head, Setting};
use wire::dialect::Dialect;
use wire::drive::{self, ClearVault, NOW};
use wire::fault::Fault;
use wire::json::Tape;
use wire::names::Names;
use wire::note::Notes;
use wire::responses::Decoder;
use wire::target::Target;
use wire::turn::{Event, Summary};
use wire::{chat, messages};

/// What a client's request became.
pub(crate) struct Sent {
    pub(crate) body: Value,
    pub(crate) notes: Notes,
    names: Names,
    summary: Summary,
    seal_reasoning: bool,
    include_usage: bool,
}

/// A request of a client of this dialect as a Responses server gets it.
pub(crate) fn request(client: Dialect, body: &Value, target: &Target) -> Result<Sent, Fault> {
    let mut notes = Notes::default();
    let text = body.to_string();
    let mut tape = Tape::default();
    let root = tape.read(&text).expect("JSON");
    let turn = match client {
        Dialect::Chat => chat::parse(root, &mut notes)?,
        Dialect::Messages => messages::parse(root, &mut notes)?,
        Dialect::Responses => wire::responses::parse(root, &mut notes)?,
    };
    let done = wire::responses::render(&turn, target, &TestVault, String::new(), &mut notes)?;
    Ok(Sent {
        body: serde_json::from_str(&done.body).expect("quire writes JSON"),
        notes,
        names: done.names,
        summary: turn.settings.summary,
        seal_reasoning: turn.settings.seal_reasoning,
        include_usage: turn.settings.include_usage,
    })
}

/// What the client gets: the stream, and the whole object where there is one.
pub(crate) struct Got {
    pub(crate) stream: String,
    pub(crate) object: String,
}

/// Whether an answer arrives in pieces or whole.
#[derive(Clone, Copy)]
pub(crate) enum Arrives<'b> {
    Streamed(&'b [u8]),
    Whole(&'b str),
}

/// The answer of a Responses server as a client of this dialect gets it.
pub(crate) fn answer(client: Dialect, sent: &Sent, target: &Target, from: Arrives<'_>) -> Got {
    let head = Arc::new(Head {
        stem: "t".to_owned(),
        created_at: NOW,
        model: "asked/model".to_owned(),
        ..Head::default()
    });
    let setting = Setting {
        names: sent.names.clone(),
        summary: sent.summary,
        seal_reasoning: sent.seal_reasoning,
        include_usage: sent.include_usage,
        whole: true,
        request_id: "req_t".to_owned(),
        provider: "test".to_owned(),
        upstream_model: "m".to_owned(),
        ..Setting::default()
    };
    let mut stream = String::new();
    match client {
        Dialect::Chat => {
            chat::encode::begin(&head, &mut stream);
            let mut encoder = chat::Encoder::new(head, setting, ClearVault, Notes::default());
            arrive(from, target, &mut |event| encoder.push(event, NOW, &mut stream));
            assert!(encoder.is_ended());
            Got { object: encoder.take_object(), stream }
        }
        Dialect::Messages => {
            messages::encode::begin(&head, &mut stream);
            let mut encoder = messages::Encoder::new(head, setting, ClearVault, Notes::default());
            arrive(from, target, &mut |event| encoder.push(event, NOW, &mut stream));
            assert!(encoder.is_ended());
            Got { object: encoder.take_object(), stream }
        }
        Dialect::Responses => unreachable!("no translation is needed"),
    }
}

fn arrive(from: Arrives<'_>, target: &Target, sink: &mut impl FnMut(Event<'_>)) {
    match from {
        Arrives::Streamed(bytes) => {
            drive::events([bytes], Ending::Closed, Dialect::Responses, target, sink);
        }
        Arrives::Whole(body) => Decoder::new(target, "call_t_").answer(body, sink),
    }
}

/// What the judges say of an answer that did not fail.
pub(crate) fn complaints(client: Dialect, sent: &Sent, got: &Got) -> Vec<String> {
    let object: Value = serde_json::from_str(&got.object).unwrap_or_default();
    let frames = judge::frames(&got.stream);
    let verdicts = match client {
        Dialect::Chat => vec![
            judge::chat_stream(&got.stream, sent.include_usage),
            judge::chat_answer(&object),
            judge::chat_same(&got.stream, &object),
        ],
        Dialect::Messages => vec![
            judge::messages_stream(&frames),
            judge::messages_answer(&object),
            judge::messages_same(&frames, &object),
        ],
        Dialect::Responses => unreachable!("no translation is needed"),
    };
    let found = verdicts.into_iter().filter_map(Result::err).flatten();
    found.map(|complaint| complaint.to_string()).collect()
}
