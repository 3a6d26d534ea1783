//! One provider's record and the facts of its models. Reading is in `read`; here is what was read.

use url::Url;
use wire::dialect::Dialect;
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
    /// The path of the endpoint that lists models, where it is not the usual one of the dialect.
    pub models_path: Option<String>,
    /// Its own list is asked for, beside what stands here.
    pub live_models: Option<LiveModels>,
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

/// The dialects by their names in records and configurations.
pub const DIALECTS: [(&str, Dialect); 3] = [
    (Dialect::Chat.name(), Dialect::Chat),
    (Dialect::Responses.name(), Dialect::Responses),
    (Dialect::Messages.name(), Dialect::Messages),
];

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
        let place = match self.dialect {
            Dialect::Chat => "/chat/completions",
            Dialect::Responses => "/responses",
            Dialect::Messages => "/messages",
        };
        let (root, usual) = root(&url, self.dialect, place);
        let path = format!("{root}{}", self.path.as_ref().unwrap_or(&usual));
        url.set_path(&path);
        Some(SafeUrl::new(url))
    }
}

/// What paths are appended to under a base, and the usual path of `place`. The base of Messages is
/// the root before `/v1`; people write the `/v1` too.
fn root(base: &Url, dialect: Dialect, place: &str) -> (String, String) {
    let root = base.path().trim_end_matches('/');
    match dialect {
        Dialect::Chat | Dialect::Responses => (root.to_owned(), place.to_owned()),
        Dialect::Messages => {
            (root.strip_suffix("/v1").unwrap_or(root).to_owned(), format!("/v1{place}"))
        }
    }
}

/// What is taken from a provider's own list of models.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveModels {
    /// Names that are not for conversations.
    pub except: Vec<Glob>,
}

/// A model that a provider lists itself, and what it says of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub id: String,
    /// Its name for people.
    pub name: Option<String>,
    pub said: Traits,
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
    /// As the dialect has it: `authorization: Bearer KEY`, and for Messages `x-api-key: KEY`.
    Usual,
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
    pub custom_tools: Option<bool>,
    pub web_search: Option<bool>,
    pub unsigned_thinking: Option<bool>,
    pub prices: Option<Prices>,
    /// What differs where the model is spoken to in Messages. Of the facts outside only those hold
    /// there too that are about the model and not about the dialect: see [`Traits::of_the_model`].
    pub messages: Option<Box<Traits>>,
    /// The same for Responses.
    pub responses: Option<Box<Traits>>,
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
    /// Its record says that it knows no tools but functions in Responses.
    pub only_functions: bool,
    /// What it understands in Chat Completions.
    pub chat: Target,
    pub responses: Target,
    pub messages: Target,
}

impl Model {
    /// What it understands in a dialect.
    pub fn target(&self, dialect: Dialect) -> &Target {
        match dialect {
            Dialect::Chat => &self.chat,
            Dialect::Responses => &self.responses,
            Dialect::Messages => &self.messages,
        }
    }
}

impl Traits {
    /// These facts, where they are silent those of `below`.
    #[must_use]
    pub fn over(&self, below: &Self) -> Self {
        macro_rules! layer {
            ($($field:ident),*) => {
                Self {
                    $($field: self.$field.clone().or_else(|| below.$field.clone()),)*
                    messages: self.dialect_over(self.messages.as_deref(), below.messages.as_deref()),
                    responses: self
                        .dialect_over(self.responses.as_deref(), below.responses.as_deref()),
                }
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
            custom_tools,
            web_search,
            unsigned_thinking,
            prices
        )
    }

    /// The part that is about the model, whatever is spoken with it.
    fn of_the_model(&self) -> Self {
        Self {
            context: self.context,
            max_output: self.max_output,
            images: self.images,
            files: self.files,
            tools: self.tools,
            prices: self.prices.clone(),
            ..Self::default()
        }
    }

    /// These facts as they hold in one dialect.
    fn in_dialect(&self, dialect: Dialect) -> Self {
        let own = match dialect {
            Dialect::Chat => return self.clone(),
            Dialect::Responses => &self.responses,
            Dialect::Messages => &self.messages,
        };
        let model = self.of_the_model();
        own.as_ref().map_or(model.clone(), |own| own.over(&model))
    }

    /// The facts of a dialect laid over those of another record. What the upper record says of the
    /// model itself also goes before what the lower one says of it in this dialect.
    fn dialect_over(&self, upper: Option<&Self>, lower: Option<&Self>) -> Option<Box<Self>> {
        let lower = lower.map(|lower| {
            let said = self.of_the_model();
            let mut lower = lower.clone();
            if said.context.is_some() {
                lower.context = None;
            }
            if said.max_output.is_some() {
                lower.max_output = None;
            }
            if said.images.is_some() {
                (lower.images, lower.files) = (None, None);
            }
            if said.tools.is_some() {
                lower.tools = None;
            }
            lower
        });
        match (upper, lower) {
            (Some(upper), Some(lower)) => Some(Box::new(upper.over(&lower))),
            (Some(upper), None) => Some(Box::new(upper.clone())),
            (None, lower) => lower.map(Box::new),
        }
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
        self.model_with(name, &Traits::default())
    }

    /// The facts of a model that the provider lists itself. What it says goes before what is true
    /// of all its models, and behind what is known of this one.
    pub fn found_model(&self, found: &Found) -> Model {
        let model = self.model_with(&found.id, &found.said);
        let own = self.card(&found.id).is_some_and(|card| card.name.is_some());
        let name = found.name.clone().filter(|_| !own).unwrap_or(model.name);
        Model { name, listed: true, ..model }
    }

    fn model_with(&self, name: &str, said: &Traits) -> Model {
        let card = self.card(name);
        let preferred = self.dialects.first().map_or(Dialect::Chat, |endpoint| endpoint.dialect);
        let facts = self.facts(card, said, preferred);
        let efforts = facts.efforts.as_ref().and_then(|wanted| self.efforts(wanted));
        let target = |dialect| self.target(name, self.facts(card, said, dialect), dialect);
        Model {
            id: name.to_owned(),
            name: card
                .filter(|card| card.id.eq_ignore_ascii_case(name))
                .and_then(|card| card.name.clone())
                .unwrap_or_else(|| name.to_owned()),
            listed: card.is_some_and(|card| card.listed),
            context: facts.context,
            default_effort: efforts.and_then(|efforts| efforts.default),
            prices: facts.prices,
            only_functions: self.facts(card, said, Dialect::Responses).custom_tools == Some(false),
            chat: target(Dialect::Chat),
            responses: target(Dialect::Responses),
            messages: target(Dialect::Messages),
        }
    }

    /// What holds in a dialect for the model with this card.
    fn facts(&self, card: Option<&Card>, said: &Traits, dialect: Dialect) -> Traits {
        let below = said.in_dialect(dialect).over(&self.defaults.in_dialect(dialect));
        card.map_or(below.clone(), |card| card.traits.in_dialect(dialect).over(&below))
    }

    fn target(&self, name: &str, facts: Traits, dialect: Dialect) -> Target {
        let careful = Target::careful(dialect);
        let (efforts, default_effort) = match &facts.efforts {
            // Without a map it is `none`, or a name that the reader has complained of.
            Some(wanted) => match self.efforts(wanted) {
                Some(known) => (known.map.clone(), known.default),
                None => (EffortMap::default(), None),
            },
            None => (careful.efforts, None),
        };
        Target {
            model: name.to_owned(),
            images: facts.images.unwrap_or(careful.images),
            tool_images: facts.tool_images.unwrap_or(careful.tool_images),
            files: facts.files.unwrap_or(careful.files),
            developer_role: facts.developer_role.unwrap_or(careful.developer_role),
            late_system: facts.late_system.unwrap_or(careful.late_system),
            max_tokens: facts.max_tokens.unwrap_or(careful.max_tokens),
            max_output_tokens: facts.max_output,
            structured: facts.structured.unwrap_or(careful.structured),
            tool_choice: facts.tool_choice.unwrap_or(careful.tool_choice),
            tools: facts.tools.unwrap_or(careful.tools),
            max_tools: facts.max_tools,
            strict_tools: facts.strict_tools.unwrap_or(careful.strict_tools),
            custom_tools: facts.custom_tools.unwrap_or(careful.custom_tools),
            web_search: facts.web_search.unwrap_or(careful.web_search),
            unsigned_thinking: facts.unsigned_thinking.unwrap_or(careful.unsigned_thinking),
            replay: facts.replay.unwrap_or(careful.replay),
            efforts,
            default_effort,
            accepts: facts.accepts.unwrap_or(careful.accepts),
            always: facts.always.unwrap_or_default(),
            quirks: facts.quirks.unwrap_or(careful.quirks),
        }
    }

    pub fn efforts(&self, name: &str) -> Option<&Efforts> {
        self.efforts.iter().find(|(known, _)| known == name).map(|(_, efforts)| efforts)
    }

    /// The endpoint that lists the provider's models: where its preferred dialect is spoken.
    pub fn models_url(&self) -> Option<SafeUrl> {
        let endpoint = self.dialects.first()?;
        let mut url = endpoint.base_url.as_ref().or(self.base_url.as_ref())?.expose().clone();
        let (root, usual) = root(&url, endpoint.dialect, "/models");
        let path = format!("{root}{}", self.models_path.as_ref().unwrap_or(&usual));
        url.set_path(&path);
        Some(SafeUrl::new(url))
    }
}
