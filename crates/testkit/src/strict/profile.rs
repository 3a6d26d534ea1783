//! Which server is played: the dialect it speaks and the rules it applies.

use super::{Door, Rule, Vendor, rows};
use crate::Dialect;

/// The server that the upstream plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Profile {
    /// Every rule that most servers have: the default, so that what passes here passes widely.
    #[default]
    GenericStrict,
    OpenAi,
    DeepSeek,
    Zhipu,
    MiniMax,
    MiMo,
    Vllm,
    Mistral,
    Groq,
    LmStudio,
    /// Ollama, which refuses little.
    OllamaTolerant,
    /// Messages at api.anthropic.com, which refuses a lot.
    Anthropic,
    /// Messages at a server that copies it: DeepSeek, MiniMax, MiMo, vLLM.
    MessagesTolerant,
    /// Messages as they were at the end of 2025, which servers still copy: no messages of the
    /// system, no adaptive thinking, no `output_config`.
    MessagesClassic,
    /// Responses at api.openai.com.
    OpenAiResponses,
    /// Responses at a server that copies it: vLLM, LM Studio, Ollama.
    ResponsesTolerant,
}

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 16] = [
        Self::GenericStrict,
        Self::OpenAi,
        Self::DeepSeek,
        Self::Zhipu,
        Self::MiniMax,
        Self::MiMo,
        Self::Vllm,
        Self::Mistral,
        Self::Groq,
        Self::LmStudio,
        Self::OllamaTolerant,
        Self::Anthropic,
        Self::MessagesTolerant,
        Self::MessagesClassic,
        Self::OpenAiResponses,
        Self::ResponsesTolerant,
    ];

    /// The profiles that speak this dialect.
    pub fn of(dialect: Dialect) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |profile| profile.dialect() == dialect)
    }

    /// The profile that refuses most of those that speak this dialect.
    pub fn strictest(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Chat => Self::GenericStrict,
            Dialect::Responses => Self::OpenAiResponses,
            Dialect::Messages => Self::Anthropic,
        }
    }

    /// What it speaks.
    pub fn dialect(self) -> Dialect {
        match self {
            Self::GenericStrict
            | Self::OpenAi
            | Self::DeepSeek
            | Self::Zhipu
            | Self::MiniMax
            | Self::MiMo
            | Self::Vllm
            | Self::Mistral
            | Self::Groq
            | Self::LmStudio
            | Self::OllamaTolerant => Dialect::Chat,
            Self::Anthropic | Self::MessagesTolerant | Self::MessagesClassic => Dialect::Messages,
            Self::OpenAiResponses | Self::ResponsesTolerant => Dialect::Responses,
        }
    }

    /// The name, as in a test's parameter.
    pub fn name(self) -> &'static str {
        match self {
            Self::GenericStrict => "generic-strict",
            Self::OpenAi => "openai",
            Self::DeepSeek => "deepseek",
            Self::Zhipu => "zhipu",
            Self::MiniMax => "minimax",
            Self::MiMo => "mimo",
            Self::Vllm => "vllm",
            Self::Mistral => "mistral",
            Self::Groq => "groq",
            Self::LmStudio => "lmstudio",
            Self::OllamaTolerant => "ollama-tolerant",
            Self::Anthropic => "anthropic",
            Self::MessagesTolerant => "messages-tolerant",
            Self::MessagesClassic => "messages-classic",
            Self::OpenAiResponses => "openai-responses",
            Self::ResponsesTolerant => "responses-tolerant",
        }
    }

    /// Whose rules it applies: the vendor's own first, since its words are then the true ones.
    fn vendors(self) -> &'static [Vendor] {
        use Vendor::{
            Anthropic, DeepSeek, Every, Groq, LmStudio, MessagesClassic, MessagesEvery,
            MessagesOthers, MiMo, MiniMax, Mistral, Most, Ollama, OpenAi, OpenAiResponses, Others,
            ResponsesEvery, Vllm, Zhipu,
        };
        match self {
            Self::GenericStrict => &[Every, Most, Others],
            Self::OpenAi => &[OpenAi, Every, Most],
            Self::DeepSeek => &[DeepSeek, Every, Most, Others],
            Self::Zhipu => &[Zhipu, Every, Most, Others],
            Self::MiniMax => &[MiniMax, Every, Most, Others],
            Self::MiMo => &[MiMo, Every, Most, Others],
            Self::Vllm => &[Vllm, Every, Most, Others],
            Self::Mistral => &[Mistral, Every, Most, Others],
            Self::Groq => &[Groq, Every, Most, Others],
            Self::LmStudio => &[LmStudio, Every],
            Self::OllamaTolerant => &[Ollama, Every],
            // The common rules first: they are the more basic faults, and Anthropic's own words.
            Self::Anthropic => &[MessagesEvery, Anthropic],
            Self::MessagesTolerant => &[MessagesEvery, MessagesOthers],
            Self::MessagesClassic => &[MessagesEvery, MessagesOthers, MessagesClassic],
            Self::OpenAiResponses => &[ResponsesEvery, OpenAiResponses],
            Self::ResponsesTolerant => &[ResponsesEvery],
        }
    }

    /// Its rules, in the order in which they are tried.
    pub fn rules(self) -> impl Iterator<Item = &'static Rule> {
        let of = |vendor: &'static Vendor| rows().filter(move |rule| rule.vendor == *vendor);
        self.vendors().iter().flat_map(of)
    }

    /// Those of its rules that apply to requests of this kind.
    pub fn rules_at(self, door: Door) -> impl Iterator<Item = &'static Rule> {
        self.rules().filter(move |rule| matches!(rule.door, Door::Both) || rule.door == door)
    }
}
