//! The Chat Completions dialect towards clients from end to end, in memory: what its laws, its
//! corpus, the fuzz targets and the benches drive. Whatever the upstream speaks comes in as a function.

use crate::answer::{Head, Setting};
use crate::chat;
use crate::chat::encode::{self, Encoder};
use crate::drive::{Answer, ClearVault, NOW, Sent};
use crate::fault::Fault;
use crate::json::Document;
use crate::note::Notes;
use crate::target::{Rendered, Target};
use crate::turn::{Event, Turn, Vault};
use std::sync::Arc;

/// The writer of a dialect's requests, as `responses::render`.
pub type Render = fn(&Turn<'_>, &Target, &dyn Vault, String, &mut Notes) -> Result<Rendered, Fault>;

/// A Chat Completions request as `render` writes it for its target, and whether its answer ends with
/// what it cost.
///
/// # Errors
/// The body is not JSON, or the request is refused.
pub fn request(body: &str, target: &Target, render: Render) -> Result<(Sent, bool), Fault> {
    let document = Document::parse(body.to_owned())
        .map_err(|error| Fault::bad_request("", error.to_string()))?;
    let mut notes = Notes::default();
    let turn = chat::parse(document.root(), &mut notes)?;
    let rendered = render(&turn, target, &ClearVault, String::new(), &mut notes)?;
    let model = document.root().get("model").and_then(|model| model.as_str());
    let sent = Sent {
        body: rendered.body,
        names: rendered.names,
        notes,
        summary: turn.settings.summary,
        seal_reasoning: turn.settings.seal_reasoning,
        compact: turn.settings.compact,
        stream: turn.settings.stream,
        echo: String::new(),
        model: model.map(|model| model.text().into_owned()).unwrap_or_default(),
    };
    Ok((sent, turn.settings.include_usage))
}

/// The answer to `sent` in which happens what `play` hands out.
pub fn answer(
    sent: &Sent,
    include_usage: bool,
    play: impl FnOnce(&mut dyn FnMut(Event<'_>)),
) -> Answer {
    let head = Arc::new(Head {
        stem: "t".to_owned(),
        created_at: NOW,
        model: sent.model.clone(),
        ..Head::default()
    });
    let setting = Setting {
        names: sent.names.clone(),
        summary: sent.summary,
        seal_reasoning: sent.seal_reasoning,
        include_usage,
        whole: true,
        request_id: "req_t".to_owned(),
        provider: "test".to_owned(),
        upstream_model: "m".to_owned(),
        input_estimate: (sent.body.len() / 4) as u64,
        ..Setting::default()
    };
    let mut events = String::new();
    encode::begin(&head, &mut events);
    let mut encoder = Encoder::new(head, setting, ClearVault, sent.notes.clone());
    play(&mut |event| encoder.push(event, NOW, &mut events));
    let (usage, notes) = (encoder.usage(), encoder.notes().clone());
    Answer { events, object: encoder.take_object(), usage, notes }
}
