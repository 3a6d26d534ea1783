//! Scenes that every agent can play: what the model does, and how it must end for the user. They
//! are data: a client that can say how its shell tool is called ([`Hands`]) plays them all. What
//! only one client can do (patches, sub-agents, compaction) is in that client's own tests.

use std::time::Duration;

use serde_json::Value;
use testkit::canary;
use testkit::script::{End, Says, Script, Step, Usage as Tokens, line, refuses, says};

/// What a model must call to act through a client.
#[derive(Clone, Copy, Debug)]
pub struct Hands {
    /// The tool and its arguments for a shell command.
    pub shell: fn(&str) -> (&'static str, Value),
}

impl Hands {
    /// Adds a call of the shell to what the model says.
    pub fn run(self, says: Says, id: &str, command: &str) -> Says {
        let (tool, arguments) = (self.shell)(command);
        says.call(id, tool, arguments)
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
    pub script: fn(Hands) -> Script,
    pub expected: Expected,
}

/// How a scene must end.
#[derive(Debug)]
pub enum Expected {
    /// The answer, the usage over all requests, and the files of the workspace.
    Success { answer: &'static str, usage: Usage, files: &'static [(&'static str, &'static str)] },
    /// A failure that says this.
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
                    usage: ending.usage.map(|_| usage),
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

/// What the two steps of most scenes count together.
const TWO_STEPS: Usage = Usage { input: 2100, cached: 600, output: 70, reasoning: 9 };

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
        script: |_| second().text(ANSWER).into(),
        expected: Expected::Success {
            answer: ANSWER,
            usage: Usage { input: 1100, cached: 600, output: 40, reasoning: 5 },
            files: &[],
        },
    },
    Scene {
        name: "bytes-in-pieces",
        prompt: "Greet me",
        script: |_| {
            let line = line().split_every(7).crlf();
            second().text(ANSWER).over(line).into()
        },
        expected: Expected::Success {
            answer: ANSWER,
            usage: Usage { input: 1100, cached: 600, output: 40, reasoning: 5 },
            files: &[],
        },
    },
    Scene {
        name: "file",
        prompt: "Create a file",
        script: |hands| {
            let command = "printf 'one \"zwei\"\\n' > made.txt";
            Script::steps([
                hands.run(first().reasoning("A file."), "call_1", command).into(),
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
        script: |hands| {
            let two = hands.run(first(), "call_a", "echo A > a.txt");
            let two = hands.run(two, "call_b", "echo B > b.txt").interleaved().argument_pieces(3);
            Script::steps([two.into(), second().text("Both.").into()])
        },
        expected: Expected::Success {
            answer: "Both.",
            usage: TWO_STEPS,
            files: &[("a.txt", "A\n"), ("b.txt", "B\n")],
        },
    },
    Scene {
        name: "throttled",
        prompt: "Wait and answer",
        script: |_| {
            Script::steps([
                refuses(429).header("retry-after", "1").into(),
                second().text("Patience.").into(),
            ])
        },
        expected: Expected::Success {
            answer: "Patience.",
            usage: Usage { input: 1100, cached: 600, output: 40, reasoning: 5 },
            files: &[],
        },
    },
    Scene {
        name: "cut-once",
        prompt: "Answer",
        script: |_| {
            Script::steps([
                first().text("Half of an").cut(End::Reset).into(),
                second().text("A whole answer.").into(),
            ])
        },
        expected: Expected::Success {
            answer: "A whole answer.",
            usage: Usage { input: 1100, cached: 600, output: 40, reasoning: 5 },
            files: &[],
        },
    },
    Scene {
        name: "refused-for-ever",
        prompt: "Answer",
        script: |_| {
            let words = "this lab does not serve requests on a full moon";
            Step::from(refuses(400).error("invalid_request_error", "full_moon", words)).into()
        },
        expected: Expected::Failure { says: "this lab does not serve requests on a full moon" },
    },
    Scene {
        name: "wrong-key",
        prompt: "Answer",
        script: |_| {
            let words = "Authentication Fails, Your api key is invalid";
            Step::from(refuses(401).error("authentication_error", "invalid_request_error", words))
                .into()
        },
        expected: Expected::Failure { says: "Authentication Fails, Your api key is invalid" },
    },
    Scene {
        name: "no-balance",
        prompt: "Answer",
        script: |_| {
            let words = "Insufficient Balance";
            Step::from(refuses(402).error("unknown_error", "invalid_request_error", words)).into()
        },
        expected: Expected::Failure { says: "Insufficient Balance" },
    },
    Scene {
        name: "keeps-failing",
        prompt: "Answer",
        script: |_| Script::always(first().text("Never more than").cut(End::Close)),
        expected: Expected::Failure { says: "disconnected" },
    },
];

/// The longest that a scene may take before its client is killed.
pub const LIMIT: Duration = Duration::from_secs(45);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scenes_have_names_of_their_own() {
        for (place, scene) in SCENES.iter().enumerate() {
            assert!(SCENES[..place].iter().all(|other| other.name != scene.name));
            assert_eq!(Scene::named(scene.name).prompt, scene.prompt);
        }
        assert_eq!((crate::codex::HANDS.shell)("ls"), ("exec_command", json!({"cmd": "ls"})));
    }
}
