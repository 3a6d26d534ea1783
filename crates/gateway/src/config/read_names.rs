//! What a name in the configuration means: `provider/model`, where the provider is configured.

use std::sync::Arc;

use super::alias::Place;
use super::provider::{Origin, named};
use super::read_providers::Providers;
use crate::document::{Reader, Severity, Spot, nearest};

/// Why a name leads nowhere.
pub(super) enum Problem {
    Named {
        at: Spot<()>,
        message: String,
        hint: Option<String>,
    },
    /// Aliases that lead in a circle, sorted.
    Circle {
        at: Spot<()>,
        shown: String,
        names: Vec<String>,
    },
    /// The provider's section has a mistake, which has been reported.
    Known,
}

impl Problem {
    fn named(at: &Spot<String>, message: String, hint: Option<String>) -> Self {
        Self::Named { at: at.with(()), message, hint }
    }

    pub(super) fn report(self, reader: &Reader) {
        match self {
            Self::Named { at, message, hint } => {
                reader.report(Severity::Error, &at, message, hint);
            }
            Self::Circle { at, shown, .. } => {
                reader.error(&at, format!("the aliases lead in a circle: {shown}"));
            }
            Self::Known => {}
        }
    }
}

/// The model that `provider/model` names.
pub(super) fn place(to: &Spot<String>, providers: &Providers) -> Result<Place, Problem> {
    let Some((name, model)) = to.value.split_once('/').filter(|(_, model)| !model.is_empty())
    else {
        let lists = |place: &&Arc<_>| lists(place, &to.value);
        let hint = match providers.all.iter().find(lists) {
            Some(provider) => format!("write `{}/{}`", provider.id, to.value),
            None => "write `provider/model`".to_owned(),
        };
        return Err(Problem::named(to, format!("`{}` names no provider", to.value), Some(hint)));
    };
    if providers.broken.iter().any(|broken| broken == name) {
        return Err(Problem::Known);
    }
    let Some(provider) = named(&providers.all, name) else {
        return Err(no_provider(to, name, model, providers));
    };
    if provider.origin == Origin::Environment {
        let message =
            format!("`{name}` is not configured; only its key was found in the environment");
        let hint = format!("add `[providers.{0}]` with `preset = \"{0}\"`", provider.id);
        return Err(Problem::named(to, message, Some(hint)));
    }
    let model = provider.model(model);
    if provider.record.models_closed && !model.listed {
        let message = format!("`{name}` has no model `{}`", model.id);
        return Err(Problem::named(to, message, meant(provider, &model.id)));
    }
    Ok(Place { provider: Arc::clone(provider), model })
}

/// Warns of a model that its provider does not list.
pub(super) fn checked(reader: &Reader, place: Place, at: &Spot<()>) -> Place {
    if place.provider.misses(&place.model) {
        let message = format!("`{}` does not list `{}`", place.provider.id, place.model.id);
        let hint = meant(&place.provider, &place.model.id);
        reader.report(Severity::Warning, at, message, hint);
    }
    place
}

fn no_provider(to: &Spot<String>, name: &str, model: &str, providers: &Providers) -> Problem {
    let configured = providers.all.iter().filter(|p| p.origin != Origin::Environment);
    let known: Vec<&str> = configured.map(|provider| provider.id.as_str()).collect();
    let hint = match nearest(name, known.iter().copied(), 1).first() {
        Some(meant) => format!("did you mean `{meant}/{model}`?"),
        None => format!("configured providers: {}", known.join(", ")),
    };
    Problem::named(to, format!("there is no provider `{name}`"), Some(hint))
}

fn lists(provider: &super::Provider, model: &str) -> bool {
    provider.origin == Origin::Configured && provider.models().iter().any(|m| m.id == model)
}

fn meant(provider: &super::Provider, model: &str) -> Option<String> {
    let names = provider.models().iter().map(|model| model.id.as_str());
    nearest(model, names, 1).first().map(|meant| format!("did you mean `{meant}`?"))
}
