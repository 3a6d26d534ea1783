//! `quire/demo`: a built-in model that answers offline, only to its own name. It says that it is a
//! demo and what it received; asked by Codex, it runs one harmless command first, so that a
//! newcomer sees a tool loop.

use std::fmt::Write as _;

use wire::json::Escaped;
use wire::turn::{End, Event, Finish, Form, Item, Opening, Part, Role, ToolName, Turn, Usage};

use super::relay::{Parts, Relay};

/// The command that shows a tool loop: it changes nothing.
const ARGUMENTS: &str = r#"{"cmd":"echo hello from the quire demo"}"#;
const TOOL: &str = "exec_command";

/// The demo's answer.
pub(super) fn relay(parts: Parts, turn: &Turn<'_>) -> Relay {
    let received = Received::of(turn);
    let calls = received.offers_command && received.results == 0;
    let name = ToolName { namespace: None, name: Escaped::plain(TOOL) };
    let wire = parts.setting.names.declared(&name).map(str::to_owned);
    let id = format!("call_{}", parts.head.stem);
    let text = if turn.settings.compact {
        "A demonstration of quire; nothing happened.".to_owned()
    } else {
        received.text(&parts.notes.header())
    };
    Relay::whole(parts, move |sink| {
        let usage = Usage {
            input: received.characters.div_ceil(4),
            output: (text.len() as u64).div_ceil(4),
            ..Usage::default()
        };
        let finish = match wire.filter(|_| calls) {
            Some(wire) => {
                let kind = Opening::Call {
                    id: Escaped::plain(&id),
                    name: Escaped::plain(&wire),
                    form: Form::Arguments,
                };
                sink(Event::Open { part: 0, kind });
                sink(Event::Delta { part: 0, text: Escaped::plain(ARGUMENTS) });
                Finish::Calls
            }
            None => {
                sink(Event::Open { part: 0, kind: Opening::Text });
                for line in text.split_inclusive(' ') {
                    sink(Event::Delta { part: 0, text: Escaped::plain(line) });
                }
                Finish::Stop
            }
        };
        sink(Event::Close { part: 0 });
        sink(Event::Usage(usage));
        sink(Event::End(End::Finished(finish)));
    })
}

/// What the request held.
#[derive(Debug, Default)]
struct Received {
    messages: usize,
    images: usize,
    tools: usize,
    /// Tool results since the user last spoke.
    results: usize,
    characters: u64,
    offers_command: bool,
}

impl Received {
    fn of(turn: &Turn<'_>) -> Self {
        let mut received = Self {
            tools: turn.tools.len(),
            offers_command: turn
                .tools
                .iter()
                .any(|tool| tool.name.namespace.is_none() && tool.name.name.is(TOOL)),
            ..Self::default()
        };
        for item in &turn.items {
            match item {
                Item::Message { role, parts } => {
                    received.messages += 1;
                    if *role == Role::User {
                        received.results = 0;
                    }
                    received.parts(parts);
                }
                Item::Result { parts, .. } => {
                    received.results += 1;
                    received.parts(parts);
                }
                Item::Reasoning { .. } | Item::Call(_) | Item::Compaction { .. } => {}
            }
        }
        received
    }

    fn parts(&mut self, parts: &[Part<'_>]) {
        for part in parts {
            match part {
                Part::Text(text) | Part::Refusal(text) => {
                    self.characters += text.escaped().len() as u64
                }
                Part::Image { .. } => self.images += 1,
                Part::File { .. } | Part::Other { .. } => {}
            }
        }
    }

    fn text(&self, notes: &str) -> String {
        let mut text = String::from(
            "This is quire's built-in demo model. It is not a language model: it only shows that \
             your client reaches quire.\n\n",
        );
        writeln!(
            text,
            "Received: {} messages with {} characters, {} images, {} tools, {} tool results.",
            self.messages, self.characters, self.images, self.tools, self.results
        )
        .expect("a String takes every write");
        if !notes.is_empty() {
            writeln!(text, "Notes on the translation: {notes}.")
                .expect("a String takes every write");
        }
        text.push_str(
            "\nTo talk to a real model, add a provider to your configuration, for example:\n\n\
             [providers.deepseek]\npreset = \"deepseek\"\napi_key = \"${DEEPSEEK_API_KEY}\"\n\n\
             and ask for `deepseek/deepseek-v4-pro`. `quire check` tells where the file is and \
             whether it is right.",
        );
        text
    }
}
