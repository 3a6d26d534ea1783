//! Every name that users may type, with what is known about the model behind it.

use std::collections::HashSet;

use wire::dialect::Dialect;
use wire::turn::Effort;

use crate::config::{Origin, Place, Settings, Snapshot};

/// One name.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// What users type.
    pub slug: String,
    pub display_name: String,
    /// The provider that answers first.
    pub provider: String,
    /// The model's name as that provider knows it.
    pub model: String,
    pub origin: Origin,
    pub is_alias: bool,
    pub context_window: Option<u64>,
    pub max_output_tokens: Option<u64>,
    /// It sees images.
    pub images: bool,
    pub tools: bool,
    /// The efforts that the model tells apart, ascending.
    pub efforts: Vec<Effort>,
    /// The effort that it makes when none is asked for, where known.
    pub default_effort: Option<Effort>,
    /// What the alias is meant for, and asks for.
    pub settings: Settings,
}

/// Aliases first, in the order of the file, then `provider/model`. Patterns are no names.
pub fn list(snapshot: &Snapshot) -> Vec<Listed> {
    let aliases = snapshot.aliases().iter().filter(|alias| alias.pattern.is_none());
    let aliases = aliases.filter_map(|alias| {
        let place = alias.to.first()?;
        let mut listed = listed(alias.name.clone(), place, &alias.settings);
        listed.is_alias = true;
        listed.display_name = format!("{} ({})", alias.name, place.model.name);
        Some(listed)
    });
    let models = snapshot.providers().iter().flat_map(|provider| {
        provider.models().iter().map(|model| {
            let place = Place { provider: provider.clone(), model: model.clone() };
            listed(place.name(), &place, &Settings::default())
        })
    });
    let mut seen = HashSet::new();
    aliases.chain(models).filter(|entry| seen.insert(entry.slug.clone())).collect()
}

fn listed(slug: String, place: &Place, settings: &Settings) -> Listed {
    let (provider, model) = (&place.provider, &place.model);
    let target = model.target(provider.dialects().next().unwrap_or(Dialect::Chat));
    Listed {
        slug,
        display_name: model.name.clone(),
        provider: provider.id.clone(),
        model: model.id.clone(),
        origin: provider.origin,
        is_alias: false,
        context_window: model.context,
        max_output_tokens: match (settings.max_output_tokens, target.max_output_tokens) {
            (Some(wish), Some(limit)) => Some(wish.min(limit)),
            (wish, limit) => wish.or(limit),
        },
        images: target.images,
        tools: target.tools,
        efforts: target
            .efforts
            .rows()
            .iter()
            .filter(|row| row.asked == row.acts_as)
            .map(|row| row.asked)
            .collect(),
        default_effort: settings.effort.or(model.default_effort),
        settings: settings.clone(),
    }
}
