//! Scenes that every agent can play: what the model does, and how it must end for the user. They
//! are data: a client that can say how its tools are called ([`Hands`]) plays them all. What
//! only one client can do (patches, sub-agents, compaction) is in that client's own tests.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use testkit::script::{End, Says, Script, Step, Usage as Tokens, line, refuses, says};
use testkit::upstream::Recorded;
use testkit::{Dialect, canary};

use crate::room::Room;

/// What a model must call to act through a client: each gives the tool and its arguments.
#[derive(Clone, Copy, Debug)]
pub struct Hands {
    /// Runs a shell command.
    pub shell: fn(&str) -> (&'static str, Value),
    /// Writes a whole file.
    pub write: fn(&Path, &str) -> (&'static str, Value),
    /// Puts one line in the place of another, in a file that was written before.
    pub edit: fn(&Path, &str, &str) -> (&'static str, Value),
    /// Whether this is a request that the client makes beside the conversation, for a title.
    pub is_aside: fn(&Recorded) -> bool,
}

/// The model of a scene: it has a client's hands, and knows where the client works.
#[derive(Clone, Debug)]
pub struct Actor {
    hands: Hands,
    workspace: PathBuf,
    dialect: Dialect,
}

impl Actor {
    pub fn new(hands: Hands, room: &Room) -> Actor {
        Actor { hands, workspace: room.workspace(), dialect: Dialect::Chat }
    }

    /// The model of a server that speaks this dialect, and may have freeform tools.
    pub fn speaking(self, dialect: Dialect) -> Actor {
        Actor { dialect, ..self }
    }

    /// Adds a call of the shell to what the model says.
    pub fn run(&self, says: Says, id: &str, command: &str) -> Says {
        self.call(says, id, (self.hands.shell)(command))
    }

    /// Adds a call that writes a file of the workspace.
    pub fn write(&self, says: Says, id: &str, name: &str, content: &str) -> Says {
        self.call(says, id, (self.hands.write)(&self.workspace.join(name), content))
    }

    /// Adds a call that puts one line of a file in the place of another.
    pub fn edit(&self, says: Says, id: &str, name: &str, old: &str, new: &str) -> Says {
        self.call(says, id, (self.hands.edit)(&self.workspace.join(name), old, new))
    }

    fn call(&self, says: Says, id: &str, (tool, arguments): (&str, Value)) -> Says {
        // Where there are freeform tools, what is a function's `input` elsewhere is all they get.
        let text = &arguments["input"];
        if self.dialect == Dialect::Responses && text.is_string() {
            return says.call(id, tool, text.clone());
        }
        says.call(id, tool, arguments)
    }

    /// A script that answers what the client asks beside the conversation, to be gone on with.
    pub fn script(&self) -> Script {
        let is_aside = self.hands.is_aside;
        Script::default().whenever(is_aside, says().text("A title"))
    }

    /// These steps of the conversation, in this order.
    pub fn steps(&self, steps: impl IntoIterator<Item = Step>) -> Script {
        steps.into_iter().fold(self.script(), Script::then)
    }
}

/// Token counts as a client prints them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub input: u64,
    pub cached: u64,
    pub output: u64,
    pub reasoning: u64,
}

/// How a run ended, in terms that every client has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    pub succeeded: bool,
    pub answer: String,
    /// Errors and warnings, as printed.
    pub complaints: Vec<String>,
    /// `None` where the client prints none.
    pub usage: Option<Usage>,
}

/// One row of the table.
#[derive(Debug)]
pub struct Scene {
    pub name: &'static str,
    pub prompt: &'static str,
    pub script: fn(&Actor) -> Script,
    pub expected: Expected,
}

/// How a scene must end.
#[derive(Debug)]
pub enum Expected {
    /// The answer, the usage over all requests, and the files of the workspace. Without a usage,
    /// clients differ in what they count.
    Success {
        answer: &'static str,
        usage: Option<Usage>,
        files: &'static [(&'static str, &'static str)],
    },
    /// A failure that says this, if only anything.
    Failure { says: &'static str },
}

impl Scene {
    /// The scene of this name.
    pub fn named(name: &str) -> &'static Scene {
        SCENES.iter().find(|scene| scene.name == name).expect("tests name scenes of the table")
    }

    /// Compares an ending, and the files that `read` finds, with what was expected.
    pub fn judge(&self, ending: &Ending, read: impl Fn(&str) -> Option<String>) {
        match self.expected {
            Expected::Success { answer, usage, files } => {
                let expected = Ending {
                    succeeded: true,
                    answer: answer.to_owned(),
                    complaints: Vec::new(),
                    usage: ending.usage.map(|counted| usage.unwrap_or(counted)),
                };
                assert_eq!(*ending, expected, "scene `{}`", self.name);
                for &(name, content) in files {
                    let found = read(name);
                    assert_eq!(found.as_deref(), Some(content), "`{name}` in `{}`", self.name);
                }
            }
            Expected::Failure { says } => {
                assert!(!ending.succeeded, "scene `{}`: {ending:#?}", self.name);
                let told = ending.complaints.iter().any(|complaint| complaint.contains(says));
                assert!(told, "nobody said `{says}` in `{}`: {ending:#?}", self.name);
            }
        }
    }
}

const ANSWER: &str = "Grüße aus dem Hafen — 港へようこそ 🙂";

/// What the last step of most scenes counts, and what the two steps count together.
const ONE_STEP: Option<Usage> = Some(Usage { input: 1100, cached: 600, output: 40, reasoning: 5 });
const TWO_STEPS: Option<Usage> = Some(Usage { input: 2100, cached: 600, output: 70, reasoning: 9 });

fn first() -> Says {
    says().usage(Tokens { prompt: 1000, completion: 30, cached: 0, reasoning: 4 })
}

fn second() -> Says {
    says().usage(Tokens { prompt: 1100, completion: 40, cached: 600, reasoning: 5 })
}

/// The table.
pub const SCENES: &[Scene] = &[
    Scene {
        name: "text",
        prompt: canary::PROMPT,
        script: |actor| actor.steps([second().text(ANSWER).into()]),
        expected: Expected::Success { answer: ANSWER, usage: ONE_STEP, files: &[] },
    },
    Scene {
        name: "bytes-in-pieces",
        prompt: "Greet me",
        script: |actor| {
            let line = line().split_every(7).crlf();
            actor.steps([second().text(ANSWER).over(line)])
        },
        expected: Expected::Success { answer: ANSWER, usage: ONE_STEP, files: &[] },
    },
    Scene {
        name: "file",
        prompt: "Create a file",
        script: |actor| {
            let command = "printf 'one \"zwei\"\\n' > made.txt";
            actor.steps([
                actor.run(first().reasoning("A file."), "call_1", command).into(),
                second().text("Made.").into(),
            ])
        },
        expected: Expected::Success {
            answer: "Made.",
            usage: TWO_STEPS,
            files: &[("made.txt", "one \"zwei\"\n")],
        },
    },
    Scene {
        name: "parallel-calls",
        prompt: "Do two things at once",
        script: |actor| {
            let two = first().reasoning("Both are quick.");
            let two = actor.run(two, "call_a", "echo A > a.txt");
            let two = actor.run(two, "call_b", "echo B > b.txt").interleaved().argument_pieces(3);
            actor.steps([two.into(), second().text("Both.").into()])
        },
        expected: Expected::Success {
            answer: "Both.",
            usage: TWO_STEPS,
            files: &[("a.txt", "A\n"), ("b.txt", "B\n")],
        },
    },
    Scene {
        name: "edit",
        prompt: "Write a note, then change it",
        script: |actor| {
            let thoughtful = first().reasoning("A note first.").text("I write it.");
            actor.steps([
                actor.write(thoughtful, "call_1", "note.txt", "grüße\neins\nend\n").into(),
                actor.edit(first(), "call_2", "note.txt", "eins", "zwei \"2\" \\ 漢字 🙂").into(),
                second().text("Changed.").into(),
            ])
        },
        expected: Expected::Success {
            answer: "Changed.",
            usage: Some(Usage { input: 3100, cached: 600, output: 100, reasoning: 13 }),
            files: &[("note.txt", "grüße\nzwei \"2\" \\ 漢字 🙂\nend\n")],
        },
    },
    Scene {
        name: "throttled",
        prompt: "Wait and answer",
        script: |actor| {
            actor.steps([
                refuses(429).header("retry-after", "1").into(),
                second().text("Patience.").into(),
            ])
        },
        expected: Expected::Success { answer: "Patience.", usage: ONE_STEP, files: &[] },
    },
    Scene {
        name: "cut-once",
        prompt: "Answer",
        script: |actor| {
            actor.steps([
                first().text("Half of an").cut(End::Reset).into(),
                second().text("A whole answer.").into(),
            ])
        },
        expected: Expected::Success {
            answer: "A whole answer.",
            // What was cut off counts for some.
            usage: None,
            files: &[],
        },
    },
    Scene {
        name: "refused-for-ever",
        prompt: "Answer",
        script: |actor| {
            let words = "this lab does not serve requests on a full moon";
            actor.script().then_always(refuses(400).error(
                "invalid_request_error",
                "full_moon",
                words,
            ))
        },
        expected: Expected::Failure { says: "this lab does not serve requests on a full moon" },
    },
    Scene {
        name: "wrong-key",
        prompt: "Answer",
        script: |actor| {
            let words = "Authentication Fails, Your api key is invalid";
            let refusal =
                refuses(401).error("authentication_error", "invalid_request_error", words);
            actor.script().then_always(refusal)
        },
        expected: Expected::Failure { says: "Authentication Fails, Your api key is invalid" },
    },
    Scene {
        name: "no-balance",
        prompt: "Answer",
        script: |actor| {
            let words = "Insufficient Balance";
            let refusal = refuses(402).error("unknown_error", "invalid_request_error", words);
            actor.script().then_always(refusal)
        },
        expected: Expected::Failure { says: "Insufficient Balance" },
    },
    Scene {
        name: "keeps-failing",
        prompt: "Answer",
        script: |actor| actor.script().then_always(first().text("Never more than").cut(End::Close)),
        expected: Expected::Failure { says: "" },
    },
];

/// The longest that a scene may take before its client is killed.
pub const LIMIT: Duration = Duration::from_secs(45);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenes_have_names_of_their_own() {
        for (place, scene) in SCENES.iter().enumerate() {
            assert!(SCENES[..place].iter().all(|other| other.name != scene.name));
            assert_eq!(Scene::named(scene.name).prompt, scene.prompt);
        }
        for (hands, tool) in [
            (crate::codex::HANDS, "exec_command"),
            (crate::claude_code::HANDS, "Bash"),
            (crate::opencode::HANDS, "bash"),
        ] {
            assert_eq!((hands.shell)("ls").0, tool);
        }
    }
}
