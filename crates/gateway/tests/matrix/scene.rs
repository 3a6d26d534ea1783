//! A conversation in no dialect's words: what the client asks for, what it adds before each request,
//! what the model says, and what the client must then have heard. The adapters of the clients write
//! it, [`Speech::says`] scripts the upstream, and neither knows the other.

use serde_json::{Value, json};
use testkit::Dialect;
use testkit::script::{End, Says, Usage as Tokens, says};

/// A piece of what is said, or of a tool's result.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Piece {
    Text(String),
    /// A URL or a `data:` URL.
    Image(String),
    /// A PDF: its name and its base64.
    Pdf(&'static str, String),
}

/// What the client adds to the conversation.
#[derive(Clone, Debug)]
pub(crate) enum Add {
    System(String),
    Developer(String),
    User(Vec<Piece>),
    /// Something that the model said before this conversation was played.
    Said(Speech),
    /// The result of a call of the last answer, by its number there.
    Result(usize, Vec<Piece>),
}

/// A tool that the client declares.
#[derive(Clone, Debug)]
pub(crate) struct Tool {
    pub(crate) namespace: Option<&'static str>,
    pub(crate) name: String,
    /// Takes free text, with this grammar; otherwise a function.
    pub(crate) grammar: Option<&'static str>,
}

impl Tool {
    /// The name with its namespace, as an [`Answer`] has it.
    pub(crate) fn whole_name(&self) -> String {
        self.namespace.map_or_else(|| self.name.clone(), |space| format!("{space}.{}", self.name))
    }
}

/// The form of the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    #[default]
    Text,
    Object,
    Schema,
}

/// The schema of [`Format::Schema`], which every server takes as it is.
pub(crate) fn schema() -> Value {
    json!({"type": "object", "properties": {"colour": {"type": "string"}, "count": {"type": "integer"}},
        "required": ["colour", "count"], "additionalProperties": false})
}

/// What stays the same over all requests of a conversation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asks {
    pub(crate) tools: Vec<Tool>,
    pub(crate) effort: Option<&'static str>,
    pub(crate) format: Format,
    pub(crate) stop: Option<&'static str>,
    pub(crate) limit: Option<u64>,
}

/// What a call hands over.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Input {
    /// A JSON text.
    Arguments(String),
    Free(String),
}

impl Input {
    /// The same as a value: free text is a string.
    pub(crate) fn value(&self) -> Value {
        match self {
            Self::Arguments(text) if text.is_empty() => json!({}),
            Self::Arguments(text) => {
                serde_json::from_str(text).unwrap_or_else(|_| panic!("`{text}` is not JSON"))
            }
            Self::Free(text) => json!(text),
        }
    }
}

/// Something that the model does.
#[derive(Clone, Debug)]
pub(crate) enum Speaks {
    Thought(String),
    /// Thinking that nobody may read, as what stands for it.
    Redacted(&'static str),
    Text(String),
    Refusal(String),
    Call {
        id: String,
        tool: usize,
        input: Input,
    },
}

/// How the model ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    Natural,
    Length,
    Filter,
    Sequence(&'static str),
    /// With an error inside the stream: its type, code and message.
    Error(&'static str, &'static str, &'static str),
    Cut,
}

/// Token counts. `input` holds `cached` and `written`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) input: u64,
    pub(crate) cached: u64,
    pub(crate) written: u64,
    pub(crate) output: u64,
    pub(crate) reasoning: u64,
}

/// What the model says at once.
#[derive(Clone, Debug)]
pub(crate) struct Speech {
    pub(crate) parts: Vec<Speaks>,
    pub(crate) ends: Ends,
    pub(crate) usage: Usage,
    /// How it travels.
    pub(crate) style: fn(Says) -> Says,
}

/// A tool as the upstream was offered it.
#[derive(Clone, Debug)]
pub(crate) struct Offered {
    pub(crate) name: String,
    /// It takes free text by itself.
    pub(crate) is_free: bool,
}

pub(crate) fn speech() -> Speech {
    let usage = Usage { input: 120, cached: 0, written: 0, output: 30, reasoning: 0 };
    Speech { parts: Vec::new(), ends: Ends::Natural, usage, style: |says| says }
}

impl Speech {
    fn part(mut self, part: Speaks) -> Self {
        self.parts.push(part);
        self
    }

    pub(crate) fn thought(self, text: &str) -> Self {
        self.part(Speaks::Thought(text.to_owned()))
    }

    pub(crate) fn redacted(self, blob: &'static str) -> Self {
        self.part(Speaks::Redacted(blob))
    }

    pub(crate) fn text(self, text: &str) -> Self {
        self.part(Speaks::Text(text.to_owned()))
    }

    pub(crate) fn refusal(self, text: &str) -> Self {
        self.part(Speaks::Refusal(text.to_owned()))
    }

    pub(crate) fn call(self, id: &str, tool: usize, arguments: &Value) -> Self {
        self.call_raw(id, tool, &arguments.to_string())
    }

    pub(crate) fn call_raw(self, id: &str, tool: usize, arguments: &str) -> Self {
        let input = Input::Arguments(arguments.to_owned());
        self.part(Speaks::Call { id: id.to_owned(), tool, input })
    }

    pub(crate) fn call_free(self, id: &str, tool: usize, text: &str) -> Self {
        let input = Input::Free(text.to_owned());
        self.part(Speaks::Call { id: id.to_owned(), tool, input })
    }

    pub(crate) fn ends(self, ends: Ends) -> Self {
        Self { ends, ..self }
    }

    pub(crate) fn usage(self, usage: Usage) -> Self {
        Self { usage, ..self }
    }

    pub(crate) fn style(self, style: fn(Says) -> Says) -> Self {
        Self { style, ..self }
    }

    /// The script of an upstream that was offered these tools.
    pub(crate) fn says(&self, offered: &[Offered]) -> Says {
        let Usage { input, cached, written, output, reasoning } = self.usage;
        let tokens = Tokens { prompt: input, completion: output, cached, reasoning };
        let mut says = says().usage(tokens).cache_written(written);
        for part in &self.parts {
            says = match part {
                Speaks::Thought(text) => says.reasoning(text),
                Speaks::Redacted(blob) => says.redacted(blob),
                Speaks::Text(text) => says.text(text),
                Speaks::Refusal(text) => says.refusal(text),
                Speaks::Call { id, tool, input } => {
                    let tool = offered
                        .get(*tool)
                        .unwrap_or_else(|| panic!("tool {tool} was not offered, only {offered:?}"));
                    match input {
                        Input::Arguments(text) => says.call_raw(id, &tool.name, text),
                        Input::Free(text) if tool.is_free => says.call(id, &tool.name, json!(text)),
                        Input::Free(text) => says.call(id, &tool.name, json!({ "input": text })),
                    }
                }
            };
        }
        says = match self.ends {
            Ends::Natural => says,
            Ends::Length => says.finish("length"),
            Ends::Filter => says.finish("content_filter"),
            Ends::Sequence(text) => says.stop_sequence(text),
            Ends::Error(kind, code, message) => says.error(kind, code, message),
            Ends::Cut => says.cut(End::Close),
        };
        (self.style)(says)
    }
}

/// Why an answer ended, as far as any dialect says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Finish {
    #[default]
    Stop,
    Calls,
    Length,
    Filtered,
    Sequence(String),
    /// It failed, with these words.
    Failed(String),
}

/// What a client read, whatever it speaks.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Answer {
    pub(crate) text: String,
    pub(crate) reasoning: String,
    pub(crate) refusal: String,
    /// Id, name and input.
    pub(crate) calls: Vec<(String, String, Value)>,
    pub(crate) finish: Finish,
    pub(crate) usage: Usage,
    pub(crate) model: String,
}

/// What a client that lost nothing reads of this.
pub(crate) fn heard(speech: &Speech, tools: &[Tool], model: &str) -> Answer {
    let mut answer = Answer { usage: speech.usage, model: model.to_owned(), ..Answer::default() };
    for part in &speech.parts {
        match part {
            Speaks::Thought(text) => answer.reasoning.push_str(text),
            Speaks::Redacted(_) => {}
            Speaks::Text(text) => answer.text.push_str(text),
            Speaks::Refusal(text) => answer.refusal.push_str(text),
            Speaks::Call { id, tool, input } => {
                let call = (id.clone(), tools[*tool].whole_name(), input.value());
                answer.calls.push(call);
            }
        }
    }
    answer.finish = match speech.ends {
        Ends::Natural if answer.calls.is_empty() => Finish::Stop,
        Ends::Natural => Finish::Calls,
        Ends::Length => Finish::Length,
        Ends::Filter => Finish::Filtered,
        Ends::Sequence(text) => Finish::Sequence(text.to_owned()),
        Ends::Error(_, _, message) => Finish::Failed(message.to_owned()),
        Ends::Cut => Finish::Failed("closed".to_owned()),
    };
    answer
}

/// What the client adds, and what the model says to it.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    pub(crate) adds: Vec<Add>,
    pub(crate) says: Speech,
}

/// One row of the table.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    pub(crate) asks: Asks,
    pub(crate) rounds: Vec<Round>,
    /// Which clients can ask this.
    pub(crate) clients: &'static [Dialect],
}

impl Scene {
    pub(crate) fn new(name: &'static str) -> Self {
        let (asks, rounds) = (Asks::default(), Vec::new());
        Self { name, asks, rounds, clients: &Dialect::ALL }
    }

    pub(crate) fn of(self, clients: &'static [Dialect]) -> Self {
        Self { clients, ..self }
    }

    pub(crate) fn asks(self, asks: Asks) -> Self {
        Self { asks, ..self }
    }

    /// Then the client adds this, and the model says that.
    pub(crate) fn then(mut self, adds: impl IntoIterator<Item = Add>, says: Speech) -> Self {
        self.rounds.push(Round { adds: adds.into_iter().collect(), says });
        self
    }
}
