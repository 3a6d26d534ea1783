//! Which models a name leads to.

use std::fmt;
use std::sync::Arc;

use wire::dialect::Dialect;
use wire::json::Value;
use wire::target::Target;

use super::needs;
use crate::catalog::Model;
use crate::config::{Alias, Origin, Place, Provider, Settings, Snapshot};
use crate::document::nearest;

/// Where a request may go, in order.
#[derive(Clone, Debug)]
pub struct Route {
    /// The name that was asked for, or the default's if none was. Answers carry it.
    pub asked: String,
    /// No model was asked for: `asked` is the default.
    pub defaulted: bool,
    /// Never empty. Each is tried only if those before it failed.
    pub candidates: Vec<Candidate>,
    /// What the alias asks for, if the name is one.
    pub alias: Option<Settings>,
}

/// A model of a provider.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub provider: Arc<Provider>,
    pub model: Arc<Model>,
    /// The provider has a list of models, and this one is not in it.
    pub unlisted: bool,
    /// It comes from `[fallback]`.
    pub fallback: bool,
}

impl Candidate {
    /// The dialect in which the provider is asked, if it speaks any: the caller's own where that
    /// endpoint can do what the request wants, else the one that the provider's record prefers.
    pub fn dialect(&self, caller: Dialect, request: Value<'_, '_>) -> Option<Dialect> {
        let preferred = self.provider.dialects().next()?;
        if self.provider.endpoint(caller).is_none() {
            return Some(preferred);
        }
        let other = self.provider.dialects().find(|dialect| *dialect != caller);
        let lacks = caller == Dialect::Responses
            && self.model.only_functions
            && needs::more_than_functions(request);
        Some(other.filter(|_| lacks).unwrap_or(caller))
    }

    /// What the model understands in a dialect.
    pub fn target(&self, dialect: Dialect) -> &Target {
        self.model.target(dialect)
    }

    /// `provider/model`
    pub fn name(&self) -> String {
        format!("{}/{}", self.provider.id, self.model.id)
    }

    fn new(place: &Place, fallback: bool) -> Self {
        Self {
            unlisted: place.provider.misses(&place.model),
            provider: Arc::clone(&place.provider),
            model: Arc::clone(&place.model),
            fallback,
        }
    }
}

/// Why a name leads nowhere. Its text is for the person who asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotFound {
    /// No model was asked for, and there is no default.
    Unasked,
    /// Nobody knows the name.
    Unknown { asked: String, nearest: Vec<String> },
    /// Several providers list it.
    Ambiguous { asked: String, choices: Vec<String> },
    /// The provider knows all of its models, and this is none of them.
    Closed { provider: String, model: String, nearest: Vec<String> },
}

/// Finds the candidates for `asked`, or for the default if nothing was asked for.
///
/// # Errors
/// [`NotFound`] if the name leads nowhere; never a silent default.
pub fn resolve(snapshot: &Snapshot, asked: Option<&str>) -> Result<Route, NotFound> {
    let name = asked.or(snapshot.default_model.as_deref()).ok_or(NotFound::Unasked)?;
    let (places, alias) = find(snapshot, name)?;
    let mut candidates: Vec<Candidate> =
        places.iter().map(|place| Candidate::new(place, false)).collect();
    add_fallbacks(snapshot, name, &mut candidates);
    Ok(Route { asked: name.to_owned(), defaulted: asked.is_none(), candidates, alias })
}

fn find(snapshot: &Snapshot, name: &str) -> Result<(Vec<Place>, Option<Settings>), NotFound> {
    let through = |alias: &Alias| (alias.to.clone(), Some(alias.settings.clone()));
    let mut aliases = snapshot.aliases().iter();
    if let Some(alias) = aliases.find(|alias| alias.pattern.is_none() && alias.name == name) {
        return Ok(through(alias));
    }
    if let Some(place) = explicit(snapshot, name)? {
        return Ok((vec![place], None));
    }
    let mut aliases = snapshot.aliases().iter();
    let fits = |alias: &&Alias| alias.pattern.as_ref().is_some_and(|glob| glob.matches(name));
    if let Some(alias) = aliases.find(fits) {
        return Ok(through(alias));
    }
    bare(snapshot, name).map(|place| (vec![place], None))
}

/// `provider/model`, split at the first slash.
fn explicit(snapshot: &Snapshot, name: &str) -> Result<Option<Place>, NotFound> {
    let Some((provider, model)) = name.split_once('/') else { return Ok(None) };
    let Some(provider) = snapshot.provider(provider).filter(|_| !model.is_empty()) else {
        return Ok(None);
    };
    let found = provider.model(model);
    if provider.record.models_closed && !found.listed {
        let known = provider.models().iter().map(|model| model.id.as_str());
        return Err(NotFound::Closed {
            provider: provider.id.clone(),
            model: model.to_owned(),
            nearest: nearest(model, known, 3)
                .into_iter()
                .map(|model| format!("{}/{model}", provider.id))
                .collect(),
        });
    }
    Ok(Some(Place { provider: Arc::clone(provider), model: found }))
}

/// A name that exactly one configured provider lists. Providers that were merely found are not
/// asked: nobody pays by accident.
fn bare(snapshot: &Snapshot, name: &str) -> Result<Place, NotFound> {
    let configured = |has: fn(&Provider, &str) -> bool| -> Vec<&Arc<Provider>> {
        let mine = |provider: &&Arc<Provider>| provider.origin == Origin::Configured;
        snapshot.providers().iter().filter(mine).filter(|provider| has(provider, name)).collect()
    };
    // What providers list themselves comes and goes: it never changes what a name already means.
    let mut listing = configured(Provider::lists);
    if listing.is_empty() {
        listing = configured(Provider::was_found_with);
    }
    match listing.as_slice() {
        [] => Err(NotFound::Unknown { asked: name.to_owned(), nearest: near(snapshot, name) }),
        [only] => Ok(Place { provider: Arc::clone(only), model: only.model(name) }),
        several => Err(NotFound::Ambiguous {
            asked: name.to_owned(),
            choices: several.iter().map(|provider| format!("{}/{name}", provider.id)).collect(),
        }),
    }
}

/// Names that may have been meant. Somebody who leaves out the provider means the model.
fn near(snapshot: &Snapshot, name: &str) -> Vec<String> {
    let all = super::list(snapshot);
    let key = |listed: &'_ super::Listed| {
        let whole = listed.is_alias || name.contains('/');
        if whole { listed.slug.clone() } else { listed.model.clone() }
    };
    let keys: Vec<String> = all.iter().map(key).collect();
    let near = nearest(name, keys.iter().map(String::as_str), 3);
    let slugs = near.into_iter().flat_map(|near| {
        let same = keys.iter().zip(&all).filter(move |(key, _)| *key == near);
        same.map(|(_, listed)| listed.slug.clone())
    });
    slugs.take(3).collect()
}

/// Appends the fallbacks of every candidate and of the name itself, each place once.
fn add_fallbacks(snapshot: &Snapshot, name: &str, candidates: &mut Vec<Candidate>) {
    let names: Vec<String> =
        std::iter::once(name.to_owned()).chain(candidates.iter().map(Candidate::name)).collect();
    for name in names {
        let fits = snapshot.fallbacks().iter().find(|fallback| fallback.pattern.matches(&name));
        for place in fits.iter().flat_map(|fallback| &fallback.to) {
            let known = candidates.iter().any(|candidate| {
                candidate.provider.id == place.provider.id && candidate.model.id == place.model.id
            });
            if !known {
                candidates.push(Candidate::new(place, true));
            }
        }
    }
}

impl NotFound {
    /// The names to suggest.
    pub fn suggestions(&self) -> &[String] {
        match self {
            Self::Unasked => &[],
            Self::Unknown { nearest, .. } | Self::Closed { nearest, .. } => nearest,
            Self::Ambiguous { choices, .. } => choices,
        }
    }
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unasked => {
                f.write_str("no model was asked for, and `[default] model` is not set")?;
            }
            Self::Unknown { asked, .. } => write!(f, "there is no model `{asked}`")?,
            Self::Ambiguous { asked, .. } => {
                write!(f, "several providers have a model `{asked}`: name one of them")?;
            }
            Self::Closed { provider, model, .. } => {
                write!(f, "`{provider}` has no model `{model}`")?;
            }
        }
        let names: Vec<String> =
            self.suggestions().iter().map(|name| format!("`{name}`")).collect();
        match (self, names.is_empty()) {
            (Self::Unknown { .. }, true) => f.write_str("; `GET /v1/models` lists what there is"),
            (_, true) => Ok(()),
            (Self::Ambiguous { .. }, false) => write!(f, " ({})", names.join(", ")),
            (_, false) => write!(f, "; did you mean {}?", names.join(" or ")),
        }
    }
}

impl std::error::Error for NotFound {}
