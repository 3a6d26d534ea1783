//! One provider's record and the facts of its models. Reading is in `read`; here is what was read.

use url::Url;
use wire::fault::Kind;
use wire::target::{EffortMap, MaxTokens, Member, Quirk, Replay, Structured, Target, ToolChoices};
use wire::turn::Effort;

use super::glob::Glob;
use crate::secret::{SafeUrl, Secret};

/// What is known about one provider.
#[derive(Clone, Debug)]
pub struct Record {
    pub id: String,
    /// Other names under which users know it.
    pub synonyms: Vec<String>,
    pub name: String,
    pub base_url: Option<SafeUrl>,
    /// The dialects that it speaks, the preferred one first.
    pub dialects: Vec<Endpoint>,
    pub auth: Auth,
    /// Where a person gets a key.
    pub key_page: Option<String>,
    /// Environment variables in which users keep its key.
    pub env: Vec<String>,
    pub headers: Vec<(String, Secret)>,
    /// The path of the endpoint that lists models, appended to the base URL.
    pub models_path: Option<String>,
    /// No model exists beyond the listed ones.
    pub models_closed: bool,
    /// It runs on the user's own machine or network.
    pub local: bool,
    /// What holds for every model unless its card says otherwise.
    pub defaults: Traits,
    pub cards: Vec<Card>,
    /// Effort maps by name.
    pub efforts: Vec<(String, Efforts)>,
    /// The first rule that fits says what an error means.
    pub errors: Vec<ErrorRule>,
    /// Where the facts come from, by name.
    pub sources: Vec<(String, Source)>,
}

/// One of the three dialects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    Chat,
    Responses,
    Messages,
}

impl Dialect {
    pub const WORDS: [(&'static str, Self); 3] =
        [("chat", Self::Chat), ("responses", Self::Responses), ("messages", Self::Messages)];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Responses => "responses",
            Self::Messages => "messages",
        }
    }
}

/// Where one dialect is spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub dialect: Dialect,
    /// Its own base URL, where it differs from the record's.
    pub base_url: Option<SafeUrl>,
    /// Its own path, where it is not the usual one.
    pub path: Option<String>,
    pub source: Vec<String>,
}

impl Endpoint {
    /// The URL that requests go to, if a base is known.
    pub fn url(&self, base: Option<&SafeUrl>) -> Option<SafeUrl> {
        let mut url = self.base_url.as_ref().or(base)?.expose().clone();
        let root = url.path().trim_end_matches('/');
        let (root, usual) = match self.dialect {
            Dialect::Chat => (root, "/chat/completions"),
            Dialect::Responses => (root, "/responses"),
            // The base of Messages is the root before `/v1/messages`; people write the `/v1` too.
            Dialect::Messages => (root.strip_suffix("/v1").unwrap_or(root), "/v1/messages"),
        };
        let path = format!("{root}{}", self.path.as_deref().unwrap_or(usual));
        url.set_path(&path);
        Some(SafeUrl::new(url))
    }
}

/// How the key travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auth {
    pub scheme: Scheme,
    /// It works without a key too.
    pub optional: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `authorization: Bearer KEY`
    Bearer,
    /// The key alone, in this header.
    Header(String),
    /// No key at all.
    None,
}

/// What an error of this provider means. Every given condition must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorRule {
    pub status: Option<u16>,
    /// The error's `code` or `type`.
    pub code: Option<String>,
    /// A part of the error's text, in lower case.
    pub contains: Option<String>,
    pub kind: Kind,
    /// The member of the error body that says when the allowance is back, as `error.resets_at`.
    pub reset: Option<String>,
    pub source: Vec<String>,
}

impl ErrorRule {
    /// Whether the rule speaks about this error. `codes` are its `code` and `type`.
    pub fn fits(&self, status: Option<u16>, codes: &[&str], text: &str) -> bool {
        self.status.is_none_or(|wanted| status == Some(wanted))
            && self.code.as_ref().is_none_or(|wanted| codes.contains(&wanted.as_str()))
            && self.contains.as_ref().is_none_or(|part| text.to_lowercase().contains(part))
    }
}

/// Where facts come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// A URL, or a sentence where there is none.
    pub at: String,
    pub confidence: Confidence,
}

/// How far a fact may be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// Nobody says so; it is the careful choice.
    Assumed,
    /// Others say so.
    Reported,
    /// The vendor's documentation or source code says so.
    Documented,
    /// It was seen to be so.
    Observed,
}

impl Confidence {
    pub const WORDS: [(&'static str, Self); 4] = [
        ("assumed", Self::Assumed),
        ("reported", Self::Reported),
        ("documented", Self::Documented),
        ("observed", Self::Observed),
    ];
}

/// What one effort map sends, and which effort the model makes when nothing is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Efforts {
    pub map: EffortMap,
    pub default: Option<Effort>,
    pub source: Vec<String>,
}

/// What is known about one model, or about all whose names fit a pattern.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    /// A name, or a pattern with `*`.
    pub id: String,
    /// Shown in lists of models. Patterns never are.
    pub listed: bool,
    pub name: Option<String>,
    pub traits: Traits,
    pub source: Vec<String>,
}

/// Facts that a card may state; what it leaves out comes from the record's defaults.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Traits {
    pub context: Option<u64>,
    pub max_output: Option<u64>,
    pub images: Option<bool>,
    pub files: Option<bool>,
    pub tool_images: Option<bool>,
    pub developer_role: Option<bool>,
    pub late_system: Option<bool>,
    pub max_tokens: Option<MaxTokens>,
    pub structured: Option<Structured>,
    pub tools: Option<bool>,
    pub tool_choice: Option<ToolChoices>,
    pub max_tools: Option<usize>,
    pub strict_tools: Option<bool>,
    pub replay: Option<Replay>,
    /// The name of an effort map, or `none`.
    pub efforts: Option<String>,
    pub accepts: Option<Vec<String>>,
    pub always: Option<Vec<Member>>,
    pub quirks: Option<Vec<Quirk>>,
    pub prices: Option<Prices>,
}

/// Prices per million tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct Prices {
    pub currency: String,
    pub input: f64,
    pub cached_input: Option<f64>,
    pub output: f64,
}

/// The facts of one model, complete.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Its name as the provider knows it.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// The record lists it by this name.
    pub listed: bool,
    /// Tokens that fit, prompt and answer together.
    pub context: Option<u64>,
    /// The effort that it makes when none is asked for.
    pub default_effort: Option<Effort>,
    pub prices: Option<Prices>,
    pub target: Target,
}

impl Traits {
    /// These facts, where they are silent those of `below`.
    #[must_use]
    pub fn over(&self, below: &Self) -> Self {
        macro_rules! layer {
            ($($field:ident),*) => {
                Self { $($field: self.$field.clone().or_else(|| below.$field.clone())),* }
            };
        }
        layer!(
            context,
            max_output,
            images,
            files,
            tool_images,
            developer_role,
            late_system,
            max_tokens,
            structured,
            tools,
            tool_choice,
            max_tools,
            strict_tools,
            replay,
            efforts,
            accepts,
            always,
            quirks,
            prices
        )
    }
}

impl Record {
    /// The card that speaks about `name`: the exact one, else one that differs in case only, else
    /// the one without `:tag`, else the most exact pattern.
    pub fn card(&self, name: &str) -> Option<&Card> {
        let exact = |wanted: &str| self.cards.iter().find(|card| card.id == wanted);
        let alike =
            |wanted: &str| self.cards.iter().find(|card| card.id.eq_ignore_ascii_case(wanted));
        let untagged = name.split_once(':').map_or(name, |(before, _)| before);
        exact(name)
            .or_else(|| alike(name))
            .or_else(|| alike(untagged))
            .or_else(|| self.pattern_card(name))
    }

    fn pattern_card(&self, name: &str) -> Option<&Card> {
        let name = name.to_ascii_lowercase();
        self.cards
            .iter()
            .filter(|card| Glob::is_pattern(&card.id))
            .filter(|card| Glob::new(card.id.to_ascii_lowercase()).matches(&name))
            .min_by_key(|card| Glob::new(card.id.as_str()).exactness())
    }

    /// The facts of the model that the provider knows as `name`.
    pub fn model(&self, name: &str) -> Model {
        let card = self.card(name);
        let traits =
            card.map_or_else(|| self.defaults.clone(), |card| card.traits.over(&self.defaults));
        let careful = Target::default();
        let efforts = traits.efforts.as_ref().and_then(|wanted| self.efforts(wanted));
        Model {
            id: name.to_owned(),
            name: card
                .filter(|card| card.id.eq_ignore_ascii_case(name))
                .and_then(|card| card.name.clone())
                .unwrap_or_else(|| name.to_owned()),
            listed: card.is_some_and(|card| card.listed),
            context: traits.context,
            default_effort: efforts.and_then(|efforts| efforts.default),
            prices: traits.prices,
            target: Target {
                model: name.to_owned(),
                images: traits.images.unwrap_or(careful.images),
                tool_images: traits.tool_images.unwrap_or(careful.tool_images),
                files: traits.files.unwrap_or(careful.files),
                developer_role: traits.developer_role.unwrap_or(careful.developer_role),
                late_system: traits.late_system.unwrap_or(careful.late_system),
                max_tokens: traits.max_tokens.unwrap_or(careful.max_tokens),
                max_output_tokens: traits.max_output,
                structured: traits.structured.unwrap_or(careful.structured),
                tool_choice: traits.tool_choice.unwrap_or(careful.tool_choice),
                tools: traits.tools.unwrap_or(careful.tools),
                max_tools: traits.max_tools,
                strict_tools: traits.strict_tools.unwrap_or(careful.strict_tools),
                custom_tools: careful.custom_tools,
                web_search: careful.web_search,
                unsigned_thinking: careful.unsigned_thinking,
                replay: traits.replay.unwrap_or(careful.replay),
                efforts: efforts.map(|efforts| efforts.map.clone()).unwrap_or_default(),
                accepts: traits.accepts.unwrap_or(careful.accepts),
                always: traits.always.unwrap_or_default(),
                quirks: traits.quirks.unwrap_or_default(),
            },
        }
    }

    pub fn efforts(&self, name: &str) -> Option<&Efforts> {
        self.efforts.iter().find(|(known, _)| known == name).map(|(_, efforts)| efforts)
    }

    /// The endpoint that lists the provider's models.
    pub fn models_url(&self) -> Option<SafeUrl> {
        let mut url: Url = self.base_url.as_ref()?.expose().clone();
        let path = format!("{}{}", url.path().trim_end_matches('/'), self.models_path.as_ref()?);
        url.set_path(&path);
        Some(SafeUrl::new(url))
    }
}
