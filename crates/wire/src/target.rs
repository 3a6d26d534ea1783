//! What one model behind one endpoint understands, as data. The catalog builds it from a provider
//! record; the writers of requests obey it and note whatever they cannot carry.

use crate::dialect::Dialect;
use crate::names::Names;
use crate::turn::Effort;

/// One model of one endpoint. [`Target::careful`] is the choice for an endpoint about which nothing is
/// known. What only one dialect has is named after it and means nothing to the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The model's name as the upstream knows it.
    pub model: String,
    /// `image_url` parts are understood in user messages.
    pub images: bool,
    /// `image_url` parts are understood in tool messages too; otherwise images of tool results
    /// follow in one user message after the round.
    pub tool_images: bool,
    /// `file` parts with a data URL are understood in user messages.
    pub files: bool,
    /// Role `developer` is understood; otherwise it becomes `system`.
    pub developer_role: bool,
    /// `system` messages may stand after the first user message; otherwise those become user messages.
    pub late_system: bool,
    /// The member that limits the answer's length.
    pub max_tokens: MaxTokens,
    /// The model's own limit on output tokens, where known.
    pub max_output_tokens: Option<u64>,
    /// Which forms of structured output are understood: `response_format`, `text.format`, or
    /// `output_config.format`.
    pub structured: Structured,
    /// Which forms of `tool_choice` are understood.
    pub tool_choice: ToolChoices,
    /// Tools may be declared at all.
    pub tools: bool,
    /// The most tools one request may declare.
    pub max_tools: Option<usize>,
    /// `strict` is understood in function declarations.
    pub strict_tools: bool,
    /// Tools that take free text are understood (Responses).
    pub custom_tools: bool,
    /// The provider searches the web itself when it is offered the tool (Responses, Messages).
    pub web_search: bool,
    /// Thinking comes back without the signature that the endpoint gave it (Messages).
    pub unsigned_thinking: bool,
    /// How reasoning of earlier turns goes back to the model.
    pub replay: Replay,
    /// What each effort sends.
    pub efforts: EffortMap,
    /// How hard the model thinks where nobody says, as far as that is known.
    pub default_effort: Option<Effort>,
    /// Optional request members that are understood with OpenAI's meaning and names, such as
    /// `parallel_tool_calls`, `service_tier`, `prompt_cache_key`, `safety_identifier`, `user`,
    /// `metadata`, `verbosity`, `top_logprobs`, `stream_options`, `temperature`, `top_p`,
    /// `presence_penalty`, `frequency_penalty`, `stop`, `seed`, `store`.
    pub accepts: Vec<String>,
    /// Members that every request carries: name and raw JSON.
    pub always: Vec<Member>,
    /// Departures from the dialect that need code.
    pub quirks: Vec<Quirk>,
}

/// A request for the upstream, and how to read the tool names of its answer.
#[derive(Clone, Debug)]
pub struct Rendered {
    pub body: String,
    pub names: Names,
}

/// A request member: its name and its raw JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    pub json: String,
}

/// The member that limits the answer's length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxTokens {
    /// `max_tokens`
    Classic,
    /// `max_completion_tokens`
    Completion,
}

/// What `response_format` understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Structured {
    None,
    /// `json_object`
    Object,
    /// `json_object` and `json_schema`
    Schema,
}

/// Which forms of `tool_choice` are understood. `auto` is the absence of the member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToolChoices {
    pub none: bool,
    pub required: bool,
    pub named: bool,
}

/// How the reasoning of earlier turns goes back to the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// It does not: the endpoint refuses or ignores it.
    No,
    /// As `reasoning_content` on the assistant message (DeepSeek, Zhipu, MiMo).
    ReasoningContent,
    /// As `reasoning` on the assistant message (Ollama, vLLM, OpenRouter).
    Reasoning,
    /// As a `reasoning_details` array of `reasoning.text` entries (MiniMax).
    ReasoningDetails,
}

/// What each effort sends. An effort without a row sends nothing and gets a note.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EffortMap {
    rows: Vec<EffortRow>,
}

/// What one effort sends.
#[derive(Clone, Debug, PartialEq)]
pub struct EffortRow {
    /// The effort that was asked for.
    pub asked: Effort,
    /// The effort that the model will really make; a note says so where it differs.
    pub acts_as: Effort,
    /// The members that ask for it.
    pub members: Vec<Member>,
}

impl EffortMap {
    /// A map from its rows.
    ///
    /// # Errors
    /// Names the first row that breaks a rule: an effort stands twice, a higher effort acts as a
    /// lower one, or `low` or more switches thinking off.
    pub fn new(mut rows: Vec<EffortRow>) -> Result<Self, String> {
        rows.sort_by_key(|row| row.asked);
        for pair in rows.windows(2) {
            if pair[0].asked == pair[1].asked {
                return Err(format!("effort `{}` stands twice", pair[0].asked.name()));
            }
            if pair[0].acts_as > pair[1].acts_as {
                return Err(format!(
                    "effort `{}` acts as less than `{}`",
                    pair[1].asked.name(),
                    pair[0].asked.name()
                ));
            }
        }
        match rows.iter().find(|row| row.asked >= Effort::Low && row.acts_as == Effort::None) {
            Some(row) => Err(format!("effort `{}` switches thinking off", row.asked.name())),
            None => Ok(Self { rows }),
        }
    }

    /// What `effort` sends, if the model can be told at all.
    pub fn get(&self, effort: Effort) -> Option<&EffortRow> {
        self.rows.iter().find(|row| row.asked == effort)
    }

    /// The map of an endpoint that knows `reasoning.effort`, as every Responses server does: words
    /// up to `xhigh` (OpenAI's API reference).
    pub fn responses() -> Self {
        let row = |asked: Effort| {
            let acts_as = asked.min(Effort::Xhigh);
            let json = format!("{{\"effort\":\"{}\"}}", acts_as.name());
            let members = vec![Member { name: "reasoning".to_owned(), json }];
            EffortRow { asked, acts_as, members }
        };
        Self { rows: Effort::ALL.map(row).to_vec() }
    }

    /// The map of an endpoint that knows thinking by its budget, as every Messages server does.
    /// Anthropic's own models have no efforts in tokens; these budgets are quire's choice, between
    /// the least that is accepted (1,024) and what most models can write.
    pub fn budgets() -> Self {
        let row = |asked: Effort| {
            let (acts_as, json) = match asked {
                Effort::None => (Effort::None, "{\"type\":\"disabled\"}".to_owned()),
                _ => {
                    let budget = match asked {
                        Effort::None | Effort::Minimal => 1_024,
                        Effort::Low => 2_048,
                        Effort::Medium => 8_192,
                        Effort::High => 16_384,
                        Effort::Xhigh | Effort::Max | Effort::Ultra => 31_999,
                    };
                    let json = format!("{{\"type\":\"enabled\",\"budget_tokens\":{budget}}}");
                    (asked.min(Effort::Xhigh), json)
                }
            };
            EffortRow {
                asked,
                acts_as,
                members: vec![Member { name: "thinking".to_owned(), json }],
            }
        };
        Self { rows: Effort::ALL.map(row).to_vec() }
    }

    /// All rows, ascending by what is asked.
    pub fn rows(&self) -> &[EffortRow] {
        &self.rows
    }
}

/// A departure from the dialect that needs code. Each variant has one function that applies it and
/// one corpus case that shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quirk {
    /// Models that think inside `<think>…</think>` at the start of `content`: the text between
    /// the tags is reasoning.
    ThinkTags,
    /// The endpoint refuses an assistant message without `content`, even beside tool calls: an
    /// empty string is sent.
    ContentRequired,
    /// The endpoint refuses `$ref` with sibling members in tool schemas (Moonshot): the siblings
    /// are dropped.
    PlainRefs,
    /// Each chunk's `reasoning_details` repeats everything from the start; only what is new counts.
    CumulativeReasoning,
    /// The endpoint refuses `json_object` though it knows `json_schema` (LM Studio): a schema that
    /// allows any object is sent instead.
    NoJsonObject,
    /// The endpoint refuses `oneOf`, `anyOf`, `allOf`, `enum` and `not` at the root of a tool's schema
    /// (OpenAI): the properties of all branches stand there instead.
    FlatRoots,
    /// The endpoint takes one text at which the model stops (Zhipu); others take at least four.
    OneStop,
}

impl Target {
    /// Whether the optional member `name` may be sent.
    pub fn takes(&self, name: &str) -> bool {
        self.accepts.iter().any(|accepted| accepted == name)
    }

    /// Whether the endpoint has this quirk.
    pub fn has(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }
}

impl Target {
    /// The careful choice for an endpoint of this dialect about which nothing is known.
    pub fn careful(dialect: Dialect) -> Self {
        let chat = Self::default();
        let accepts = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        match dialect {
            Dialect::Chat => chat,
            Dialect::Responses => Self {
                developer_role: true,
                structured: Structured::Schema,
                strict_tools: true,
                efforts: EffortMap::responses(),
                // Most of them are OpenAI's, under one name or another.
                quirks: vec![Quirk::FlatRoots],
                // Codex sends the last three to every server, so every server takes them.
                accepts: accepts(&[
                    "temperature",
                    "top_p",
                    "parallel_tool_calls",
                    "store",
                    "include",
                    "prompt_cache_key",
                ]),
                ..chat
            },
            Dialect::Messages => Self {
                late_system: false,
                efforts: EffortMap::budgets(),
                // Claude Code sends breakpoints to every server, so every server takes them.
                accepts: accepts(&[
                    "temperature",
                    "top_p",
                    "top_k",
                    "stop",
                    "parallel_tool_calls",
                    "cache_control",
                ]),
                ..chat
            },
        }
    }
}

impl Default for Target {
    /// The careful choice for Chat Completions.
    fn default() -> Self {
        Self {
            model: String::new(),
            images: false,
            tool_images: false,
            files: false,
            developer_role: false,
            late_system: true,
            max_tokens: MaxTokens::Classic,
            max_output_tokens: None,
            structured: Structured::None,
            tool_choice: ToolChoices { none: true, required: true, named: true },
            tools: true,
            max_tools: None,
            strict_tools: false,
            custom_tools: false,
            web_search: false,
            unsigned_thinking: false,
            replay: Replay::No,
            efforts: EffortMap::default(),
            default_effort: None,
            accepts: ["temperature", "top_p", "stop", "stream_options"].map(String::from).to_vec(),
            always: Vec::new(),
            quirks: Vec::new(),
        }
    }
}
