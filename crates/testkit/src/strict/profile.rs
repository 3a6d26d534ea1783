//! Which rules a server applies.

use super::{RULES, Rule, Vendor};

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
}

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 11] = [
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
    ];

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
        }
    }

    /// Whose rules it applies: the vendor's own first, since its words are then the true ones.
    fn vendors(self) -> &'static [Vendor] {
        use Vendor::{
            DeepSeek, Every, Groq, LmStudio, MiMo, MiniMax, Mistral, Most, Ollama, OpenAi, Others,
            Vllm, Zhipu,
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
        }
    }

    /// Its rules, in the order in which they are tried.
    pub fn rules(self) -> impl Iterator<Item = &'static Rule> {
        let of = |vendor: &'static Vendor| {
            RULES.iter().copied().flatten().filter(move |rule| rule.vendor == *vendor)
        };
        self.vendors().iter().flat_map(of)
    }
}
