//! What a client rightly hears otherwise, or an upstream is rightly told otherwise, because one of
//! the two dialects has no place for it. Everything that is not in these tables must come through as
//! it was.

use std::collections::BTreeSet;

use testkit::Dialect::{self, Chat, Messages, Responses};

use crate::scene::{Answer, Finish, Format, Piece, Scene};

use crate::sent::Atom;

/// The way of one conversation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way<'s> {
    pub(crate) client: Dialect,
    pub(crate) upstream: Dialect,
    pub(crate) scene: &'s Scene,
    /// The number of the request, from 0.
    pub(crate) round: usize,
}

impl Way<'_> {
    /// Nothing is translated, so nothing is repaired either.
    fn is_passed(&self) -> bool {
        self.client == self.upstream
    }

    fn plays(&self, scene: &str) -> bool {
        self.scene.name.contains(scene)
    }
}

/// One difference: why it must be, when it holds, and what becomes of the thing.
#[derive(Debug)]
pub(crate) struct Difference<T> {
    why: &'static str,
    holds: fn(&Way<'_>) -> bool,
    change: fn(&mut T),
}

/// What a client hears.
const HEARD: &[Difference<Answer>] = &[
    Difference {
        why: "servers of Chat Completions do not count what they wrote to a cache",
        holds: |way| way.upstream == Chat,
        change: |answer| answer.usage.written = 0,
    },
    Difference {
        why: "only Messages says which stop sequence was met, or that one was",
        holds: |way| [way.client, way.upstream] != [Messages, Messages],
        change: |answer| {
            if matches!(answer.finish, Finish::Sequence(_)) {
                answer.finish = Finish::Stop;
            }
        },
    },
    Difference {
        why: "Messages has no part for a refusal: its words are text",
        holds: |way| way.client == Messages || way.upstream == Messages,
        change: |answer| answer.text.push_str(&std::mem::take(&mut answer.refusal)),
    },
    Difference {
        why: "a model that refuses stops for `refusal` in Messages, which is a filter elsewhere",
        holds: |way| way.upstream == Messages && way.plays("a refusal"),
        change: |answer| answer.finish = Finish::Filtered,
    },
    Difference {
        why: "a Chat client cannot ask for a summary, and OpenAI's models show none unasked",
        holds: |way| [way.client, way.upstream] == [Chat, Responses],
        change: |answer| answer.reasoning.clear(),
    },
    Difference {
        why: "ids that Messages clients do not take are spelled out for them",
        holds: |way| way.client == Messages && way.plays("dots and colons"),
        change: |answer| {
            for call in &mut answer.calls {
                call.0 = "toolx_functions_2ebash_3a0".to_owned();
            }
        },
    },
];

/// What an upstream is told.
const TOLD: &[Difference<Vec<Atom>>] = &[
    Difference {
        why: "an endpoint of Chat Completions takes no images in results: the user shows them next",
        holds: |way| way.upstream == Chat && way.client != Chat,
        change: |atoms| {
            for at in 1..atoms.len() {
                if let Atom::Result(_, image @ Piece::Image(_)) = atoms[at].clone() {
                    atoms[at] = Atom::User(image);
                    if let Atom::Result(_, Piece::Text(text)) = &mut atoms[at - 1] {
                        text.push_str("\n[attached to the next message]");
                    }
                }
            }
        },
    },
    Difference {
        why: "a client of Chat Completions cannot put images into results: the user shows them",
        holds: |way| way.client == Chat,
        change: |atoms| {
            for atom in atoms {
                if let Atom::Result(_, image @ Piece::Image(_)) = atom.clone() {
                    *atom = Atom::User(image);
                }
            }
        },
    },
    Difference {
        why: "Messages takes no text that is blank; a result may be empty",
        holds: |way| way.upstream == Messages,
        change: |atoms| {
            atoms.retain(|atom| !matches!(atom, Atom::Assistant(text) if text.trim().is_empty()));
            for atom in atoms {
                if let Atom::Result(_, Piece::Text(text)) = atom
                    && text.trim().is_empty()
                {
                    text.clear();
                }
            }
        },
    },
    Difference {
        why: "a summary with a blank line may have come in several parts, so its seal alone goes back",
        holds: |way| way.upstream == Responses && !way.is_passed(),
        change: |atoms| {
            for atom in atoms {
                if let Atom::Thought(text, _) = atom
                    && text.contains("\n\n")
                {
                    text.clear();
                }
            }
        },
    },
    Difference {
        why: "what was never shown has no text to come back, but its seal does",
        holds: |way| [way.client, way.upstream] == [Chat, Responses],
        change: |atoms| {
            for atom in atoms {
                if let Atom::Thought(text, _) = atom {
                    text.clear();
                }
            }
        },
    },
];

/// The notes of a translated answer, each with when it must be there; where none of these holds, an
/// answer has none.
type Noted = (&'static str, fn(&Way<'_>) -> bool);

const NOTED: &[Noted] = &[
    // Messages counts thinking in tokens, the others have words for it.
    ("effort-mapped", |way| way.client == Messages && way.scene.asks.effort.is_some()),
    // Messages knows no form but a schema.
    ("format-ignored", |way| way.upstream == Messages && way.scene.asks.format == Format::Object),
    // Responses knows no stop sequences, so its clients cannot even ask.
    ("field-ignored", |way| way.upstream == Responses && way.scene.asks.stop.is_some()),
    ("image-moved", |way| {
        way.upstream == Chat && way.plays("a picture in a result") && way.round == 1
    }),
    ("refusal-as-text", |way| {
        way.client == Messages && way.upstream != Messages && way.plays("a refusal")
    }),
    ("custom-tool-as-function", |way| way.plays("free text")),
    ("namespace-description", |way| way.plays("namespaces")),
    // A client of Responses brings back the ids and states that its items had.
    ("item-metadata", |way| way.client == Responses && way.round > 0),
];

/// Ways on which a scene is not played at all.
const SKIPPED: &[Difference<()>] = &[
    Difference {
        why: "halves of surrogate pairs are passed as they came, and no JSON reader of ours takes them",
        holds: |way| way.is_passed() && way.plays("surrogates"),
        change: |()| {},
    },
    Difference {
        why: "Anthropic refuses blank text; a client that sends it is passed and refused",
        holds: |way| [way.client, way.upstream] == [Messages, Messages] && way.plays("blanks"),
        change: |()| {},
    },
    Difference {
        why: "a call that is passed is not repaired",
        holds: |way| way.is_passed() && way.plays("without arguments"),
        change: |()| {},
    },
    Difference {
        why: "Chat Completions has no place for thinking that nobody may read",
        holds: |way| way.upstream == Chat && way.plays("nobody may read"),
        change: |()| {},
    },
    Difference {
        why: "Chat Completions has no order between thoughts and calls",
        holds: |way| way.upstream == Chat && way.plays("between two calls"),
        change: |()| {},
    },
    Difference {
        why: "Anthropic gives no such ids",
        holds: |way| way.upstream == Messages && way.plays("dots and colons"),
        change: |()| {},
    },
    Difference {
        why: "the usage of a stream that is passed stands where the upstream put it",
        holds: |way| way.is_passed() && way.plays("unusual places"),
        change: |()| {},
    },
    Difference {
        why: "a name that the server itself refuses is passed and refused",
        holds: |way| way.is_passed() && way.plays("over 64 characters"),
        change: |()| {},
    },
];

fn apply<T>(rows: &[Difference<T>], way: &Way<'_>, thing: &mut T) -> Vec<&'static str> {
    let holding = rows.iter().filter(|row| (row.holds)(way));
    holding
        .map(|row| {
            (row.change)(thing);
            row.why
        })
        .collect()
}

/// The answer as this client must hear it, and why it may differ.
pub(crate) fn heard(way: &Way<'_>, mut answer: Answer) -> (Answer, Vec<&'static str>) {
    let why = apply(HEARD, way, &mut answer);
    (answer, why)
}

/// The conversation as this upstream must be told it, and why it may differ.
pub(crate) fn told(way: &Way<'_>, mut atoms: Vec<Atom>) -> (Vec<Atom>, Vec<&'static str>) {
    let why = apply(TOLD, way, &mut atoms);
    (atoms, why)
}

/// The notes that the answer must have. One that is passed has none: nothing was changed.
pub(crate) fn notes(way: &Way<'_>) -> BTreeSet<String> {
    let holding = NOTED.iter().filter(|(_, holds)| !way.is_passed() && holds(way));
    holding.map(|(code, _)| (*code).to_owned()).collect()
}

/// Whether the scene can be played on this way.
pub(crate) fn is_played(way: &Way<'_>) -> bool {
    way.scene.clients.contains(&way.client) && apply(SKIPPED, way, &mut ()).is_empty()
}
