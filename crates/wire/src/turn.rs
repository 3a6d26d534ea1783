//! The internal representation: what a request asks for ([`Turn`]) and what an answer brings
//! ([`Event`]), in words that at least two dialects share.
//!
//! It is shaped after Responses items and borrows from the request's own text: see
//! [`crate::json`]. It holds no model name, no transport and no provider; a member that only one
//! dialect knows stays with that dialect's parser, which notes it.

use crate::fault::Fault;
use crate::json::{Escaped, Kind, Value};
use crate::note::{Code, Notes};

/// One request.
#[derive(Clone, Debug, Default)]
pub struct Turn<'a> {
    /// The conversation so far, in its order.
    pub items: Vec<Item<'a>>,
    pub tools: Vec<Tool<'a>>,
    pub tool_choice: ToolChoice<'a>,
    pub settings: Settings<'a>,
}

/// How the answer should be made.
#[derive(Clone, Debug, Default)]
pub struct Settings<'a> {
    pub stream: bool,
    /// A streamed answer ends with what it cost.
    pub include_usage: bool,
    pub effort: Option<Effort>,
    pub summary: Summary,
    /// The caller wants reasoning sealed too, so that it can bring it back.
    pub seal_reasoning: bool,
    /// The caller wants the conversation summed up and sealed instead of an answer.
    pub compact: bool,
    pub format: Format<'a>,
    pub verbosity: Option<Escaped<'a>>,
    pub max_output_tokens: Option<u64>,
    pub parallel_tool_calls: Option<bool>,
    /// Texts at which the model stops.
    pub stop: Vec<Escaped<'a>>,
    /// A name that all requests of one conversation share, if the client gives it one: what an
    /// upstream is told where it looks for its cache by a key and the request has none.
    pub conversation: Option<Escaped<'a>>,
    /// Members that mean the same under the same name wherever they are known: name and raw JSON.
    pub shared: Vec<(&'static str, &'a str)>,
}

impl Settings<'_> {
    /// The key under which an upstream that knows `prompt_cache_key` should look for its cache,
    /// unless the request has a key of its own.
    pub(crate) fn cache_key(&self) -> Option<&str> {
        let given = self.shared.iter().any(|(name, _)| *name == "prompt_cache_key");
        self.conversation.as_ref().filter(|_| !given).map(Escaped::escaped)
    }
}

/// How reasoning is shown to the caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Summary {
    /// The request does not say: reasoning is shown as the model wrote it.
    #[default]
    Unset,
    /// The request wants none: reasoning travels sealed, or not at all.
    None,
    /// The request wants a summary of any length.
    Wanted,
}

/// The form of the answer.
#[derive(Clone, Debug, Default)]
pub enum Format<'a> {
    #[default]
    Text,
    JsonObject,
    JsonSchema {
        name: Escaped<'a>,
        description: Option<Escaped<'a>>,
        /// Raw JSON.
        schema: &'a str,
        strict: Option<bool>,
    },
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    System,
    Developer,
    User,
    Assistant,
}

/// One piece of the conversation.
#[derive(Clone, Debug)]
pub enum Item<'a> {
    Message {
        role: Role,
        parts: Vec<Part<'a>>,
    },
    /// What the model thought before the next assistant item.
    Reasoning {
        /// What only its issuer can read.
        sealed: Option<Escaped<'a>>,
        text: Vec<Escaped<'a>>,
        summary: Vec<Escaped<'a>>,
    },
    Call(Call<'a>),
    Result {
        call_id: Escaped<'a>,
        parts: Vec<Part<'a>>,
    },
    /// A summary that stands for everything before it, sealed by its issuer.
    Compaction {
        sealed: Escaped<'a>,
    },
}

/// A tool call that the model made.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    pub id: Escaped<'a>,
    pub name: ToolName<'a>,
    pub payload: Payload<'a>,
}

/// A tool's name as its owner declared it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolName<'a> {
    pub namespace: Option<Escaped<'a>>,
    pub name: Escaped<'a>,
}

/// What a tool is called with.
#[derive(Clone, Debug)]
pub enum Payload<'a> {
    /// A JSON text that travels as a string.
    Arguments(Escaped<'a>),
    /// A JSON object that travels as such.
    Object(&'a str),
    /// Free text.
    Input(Escaped<'a>),
}

/// A piece of a message or of a tool's result.
#[derive(Clone, Debug)]
pub enum Part<'a> {
    Text(Escaped<'a>),
    Refusal(Escaped<'a>),
    Image {
        url: Escaped<'a>,
        detail: Option<Escaped<'a>>,
    },
    File {
        name: Option<Escaped<'a>>,
        data: Option<Escaped<'a>>,
        url: Option<Escaped<'a>>,
    },
    /// Something that is not text and has no counterpart: its kind, for the marker, and the note.
    Other {
        kind: Escaped<'a>,
        code: Code,
    },
}

/// A tool that the model may call.
#[derive(Clone, Debug)]
pub struct Tool<'a> {
    pub name: ToolName<'a>,
    pub description: Option<Escaped<'a>>,
    pub kind: ToolKind<'a>,
}

/// How a tool is called.
#[derive(Clone, Debug)]
pub enum ToolKind<'a> {
    Function {
        /// The JSON schema of the arguments, if any.
        parameters: Option<Schema<'a>>,
        strict: Option<bool>,
    },
    /// Takes free text, perhaps with a grammar.
    Custom { grammar: Option<Grammar<'a>> },
    /// Codex's own search over deferred tools, run by the client.
    ToolSearch { parameters: Option<Schema<'a>> },
    /// The Responses dialect's built-in shell, run by the client.
    LocalShell,
    /// Search on the web, run by the provider.
    WebSearch(WebSearch<'a>),
}

/// How a provider should search the web.
#[derive(Clone, Debug, Default)]
pub struct WebSearch<'a> {
    /// Only these domains: a raw JSON array of strings.
    pub allowed: Option<&'a str>,
    /// None of these domains: a raw JSON array of strings.
    pub blocked: Option<&'a str>,
    /// The user's approximate place: a raw JSON object with `city`, `region`, `country` and
    /// `timezone`, in which OpenAI and Anthropic agree.
    pub location: Option<&'a str>,
    /// How often it may search.
    pub max_uses: Option<u64>,
    /// `low`, `medium` or `high`: how much of what was found the model reads.
    pub context_size: Option<Escaped<'a>>,
}

/// A JSON schema, as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schema<'a> {
    pub raw: &'a str,
    /// Its root is of type `object` and lists its properties, as strict servers want it.
    pub rooted: bool,
    /// Its root is no union, enumeration or negation, as OpenAI wants it.
    pub flat: bool,
    /// Its root is no union, and its properties have plain names, as Anthropic wants it.
    pub plain: bool,
}

impl<'a> Schema<'a> {
    /// The schema in `value`.
    pub fn of(value: Value<'_, 'a>) -> Self {
        let (mut typed, mut listed, mut plain, mut flat) = (false, false, true, true);
        for (key, member) in value.members() {
            match key.escaped() {
                "type" => typed = member.as_str().is_some_and(|kind| kind.is("object")),
                "properties" => {
                    listed = member.kind() == Kind::Object;
                    plain &= member.members().all(|(name, _)| is_plain_property(&name));
                }
                "oneOf" | "anyOf" | "allOf" => (plain, flat) = (false, false),
                "enum" | "not" => flat = false,
                _ => {}
            }
        }
        Self { raw: value.raw(), rooted: typed && listed, flat, plain }
    }
}

/// Whether every server takes a property of this name: 1 to 64 letters, digits, `_`, `.` and `-`
/// (Anthropic's answer to any other).
pub(crate) fn is_plain_property(name: &Escaped<'_>) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    let name = name.escaped();
    (1..=64).contains(&name.len()) && name.bytes().all(plain)
}

/// The grammar of a custom tool's input.
#[derive(Clone, Debug)]
pub struct Grammar<'a> {
    pub syntax: Escaped<'a>,
    pub definition: Escaped<'a>,
}

/// Which tool the model should use.
#[derive(Clone, Debug, Default)]
pub enum ToolChoice<'a> {
    #[default]
    Auto,
    None,
    Required,
    Named(ToolName<'a>),
    /// Any, but only of these.
    Allowed {
        required: bool,
        tools: Vec<ToolName<'a>>,
    },
}

impl ToolChoice<'_> {
    /// Whether the model may call this tool at all.
    pub fn allows(&self, name: &ToolName<'_>) -> bool {
        match self {
            Self::Allowed { tools, .. } => tools.iter().any(|allowed| {
                allowed.name == name.name
                    && (allowed.namespace.is_none() || allowed.namespace == name.namespace)
            }),
            Self::Auto | Self::None | Self::Required | Self::Named(_) => true,
        }
    }
}

/// What happens in an answer, in the order in which it happens. A decoder gives exactly one
/// [`Event::End`], and it is the last.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// A part begins. Numbers are unique within the answer.
    Open { part: u32, kind: Opening<'a> },
    /// More of an open part: text, for a tool call more of its payload, for a search more of what is
    /// searched for.
    Delta { part: u32, text: Escaped<'a> },
    /// What the upstream wants back with the reasoning of an open part.
    Seal { part: u32, opaque: Opaque<'a> },
    /// Where something that an open text says comes from.
    Cite { part: u32, citation: Citation<'a> },
    /// What an open search found; none where it failed.
    Found { part: u32, sources: Option<Vec<Source<'a>>> },
    /// A part is whole.
    Close { part: u32 },
    /// What the answer cost, once known. A later one replaces an earlier one.
    Usage(Usage),
    /// The answer is over. Parts that are still open are broken off.
    End(End),
}

/// What kind of part begins.
#[derive(Clone, Debug)]
pub enum Opening<'a> {
    Text,
    Refusal,
    Reasoning,
    /// `name` is the name that the upstream knows.
    Call {
        id: Escaped<'a>,
        name: Escaped<'a>,
        form: Form,
    },
    /// The provider searches the web.
    Search {
        id: Escaped<'a>,
    },
}

/// What the deltas of a tool call are pieces of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// A JSON object.
    #[default]
    Arguments,
    /// Free text, as a custom tool takes it.
    Input,
}

/// What an upstream wants back with its reasoning, readable for itself alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opaque<'a> {
    /// The `signature` of an Anthropic thinking block.
    Signature(Escaped<'a>),
    /// The `data` of an Anthropic `redacted_thinking` block.
    Redacted(Escaped<'a>),
    /// The `encrypted_content` of a Responses reasoning item.
    Encrypted(Escaped<'a>),
}

impl Opaque<'_> {
    /// The same, owned.
    pub fn into_owned(self) -> Opaque<'static> {
        match self {
            Self::Signature(data) => Opaque::Signature(data.into_owned()),
            Self::Redacted(data) => Opaque::Redacted(data.into_owned()),
            Self::Encrypted(data) => Opaque::Encrypted(data.into_owned()),
        }
    }
}

/// A page that a text refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Citation<'a> {
    pub url: Escaped<'a>,
    pub title: Option<Escaped<'a>>,
    /// The page's own words.
    pub quote: Option<Escaped<'a>>,
    /// The characters of the text that refer to it, from and up to, where the upstream says so.
    pub span: Option<(u64, u64)>,
}

/// A page that a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source<'a> {
    pub url: Escaped<'a>,
    pub title: Option<Escaped<'a>>,
}

/// How an answer ended.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    Finished(Finish),
    Failed(Fault),
}

/// Why a model stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finish {
    /// It was done.
    Stop,
    /// It wrote this text, at which it was told to stop.
    Sequence(String),
    /// It waits for its tools.
    Calls,
    /// The output limit was reached.
    Length,
    /// A filter stopped it, or it refused.
    Filtered,
    /// The upstream stopped in the middle of what its own tools do, and would go on if it were asked.
    Paused,
    /// The upstream's own word, unknown to quire; empty where it gave none.
    Other(String),
}

impl Finish {
    /// Whether the answer stopped before its end: what is open then may be no more than a piece.
    pub const fn is_cut(&self) -> bool {
        match self {
            Self::Length | Self::Filtered | Self::Paused => true,
            Self::Stop | Self::Sequence(_) | Self::Calls | Self::Other(_) => false,
        }
    }
}

/// What an answer cost, in tokens. `input` includes `cached` and `cache_written`, `output` includes
/// `reasoning`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub input: u64,
    pub cached: u64,
    pub cache_written: u64,
    pub output: u64,
    pub reasoning: u64,
    /// How often the provider searched the web. Not tokens.
    pub searches: u64,
}

impl Usage {
    /// Input and output together.
    pub fn total(self) -> u64 {
        self.input.saturating_add(self.output)
    }
}

/// What a sealed text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealed {
    /// Reasoning, bound to the model that made it.
    Reasoning,
    /// A summary of a conversation, good for every model.
    Compaction,
}

/// What opening a sealed text brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    Text(String),
    /// Not sealed here, or for another model, or damaged.
    Foreign,
}

/// Seals what must come back unread. The gateway holds the key; this crate only carries the result.
pub trait Vault {
    /// Seals `plain` for the current target.
    fn seal(&self, what: Sealed, plain: &str) -> String;
    /// Opens what [`Vault::seal`] made for the same target.
    fn open(&self, what: Sealed, sealed: &str) -> Opened;
}

/// A value and what was changed to get it.
#[derive(Clone, Debug)]
pub struct Translated<T> {
    pub value: T,
    pub notes: Notes,
}

/// How hard the model is asked to think, in OpenAI's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effort {
    None,
    Minimal,
    Low,
    Medium,
    High,
    Xhigh,
    Max,
    Ultra,
}

impl Effort {
    /// Every effort, ascending.
    pub const ALL: [Self; 8] = [
        Self::None,
        Self::Minimal,
        Self::Low,
        Self::Medium,
        Self::High,
        Self::Xhigh,
        Self::Max,
        Self::Ultra,
    ];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
            Self::Max => "max",
            Self::Ultra => "ultra",
        }
    }

    /// The effort with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effort| effort.name() == name)
    }
}
