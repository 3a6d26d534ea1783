//! A provider as it can be used: its record with the user's own settings laid over it, and its key.

use std::sync::Arc;

use wire::target::Target;

use super::{BUILT_IN, DEMO};
use crate::catalog::{Auth, Card, Dialect, Found, Model, Record, Scheme, Traits};
use crate::secret::{SafeUrl, Secret};

/// One provider. Printing it shows no secret.
#[derive(Clone, Debug)]
pub struct Provider {
    /// The name that users write before the slash.
    pub id: String,
    /// The id of the record it was made from, if it was made from one.
    pub preset: Option<String>,
    pub record: Record,
    pub key: Option<Secret>,
    pub origin: Origin,
    endpoints: Vec<(Dialect, SafeUrl)>,
    /// Those that its record lists, then those that it was found to have.
    models: Vec<Arc<Model>>,
    found_from: usize,
}

/// The provider with this name. A record's id or synonym also names the one provider that is made
/// from it.
pub(super) fn named<'p>(providers: &'p [Arc<Provider>], name: &str) -> Option<&'p Arc<Provider>> {
    providers.iter().find(|provider| provider.id == name).or_else(|| {
        let mut made = providers.iter().filter(|provider| provider.is_preset(name));
        made.next().filter(|_| made.next().is_none())
    })
}

/// How a provider came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The user configured it.
    Configured,
    /// Its key was found in the environment: it is reachable as `provider/model` only.
    Environment,
    /// It is always there: `quire/demo`.
    BuiltIn,
}

impl Provider {
    pub(super) fn new(
        id: impl Into<String>,
        preset: Option<String>,
        record: Record,
        key: Option<Secret>,
        origin: Origin,
    ) -> Self {
        let endpoints = record
            .dialects
            .iter()
            .filter_map(|endpoint| {
                Some((endpoint.dialect, endpoint.url(record.base_url.as_ref())?))
            })
            .collect();
        let listed = record.cards.iter().filter(|card| card.listed);
        let models: Vec<_> = listed.map(|card| Arc::new(record.model(&card.id))).collect();
        let found_from = models.len();
        Self { id: id.into(), preset, record, key, origin, endpoints, models, found_from }
    }

    /// The same with these models of its own list, in place of those that were found before.
    #[must_use]
    pub(super) fn with_found(&self, found: &[Found]) -> Self {
        let mut provider = self.clone();
        provider.models.truncate(self.found_from);
        for found in found {
            match provider.models.iter_mut().find(|model| model.id == found.id) {
                // It is on the record's list too; what the provider says of it fills the gaps.
                Some(known) => *known = Arc::new(self.record.found_model(found)),
                None => provider.models.push(Arc::new(self.record.found_model(found))),
            }
        }
        provider
    }

    /// The provider that answers offline. It has no endpoint: whoever routes to it answers itself.
    pub(super) fn built_in() -> Self {
        let demo = Card {
            id: DEMO.to_owned(),
            listed: true,
            name: Some("quire demo (offline)".to_owned()),
            traits: Traits {
                context: Some(272_000),
                images: Some(true),
                accepts: Some(Target::default().accepts),
                ..Traits::default()
            },
            source: Vec::new(),
        };
        let record = Record {
            id: BUILT_IN.to_owned(),
            synonyms: Vec::new(),
            name: "quire".to_owned(),
            base_url: None,
            dialects: Vec::new(),
            auth: Auth { scheme: Scheme::None, optional: true },
            key_page: None,
            env: Vec::new(),
            headers: Vec::new(),
            models_path: None,
            live_models: None,
            models_closed: true,
            local: true,
            defaults: Traits::default(),
            cards: vec![demo],
            efforts: Vec::new(),
            errors: Vec::new(),
            sources: Vec::new(),
        };
        Self::new(BUILT_IN, None, record, None, Origin::BuiltIn)
    }

    /// Where this dialect is spoken.
    pub fn endpoint(&self, dialect: Dialect) -> Option<&SafeUrl> {
        self.endpoints.iter().find(|(spoken, _)| *spoken == dialect).map(|(_, url)| url)
    }

    /// The dialects it speaks, the preferred one first.
    pub fn dialects(&self) -> impl Iterator<Item = Dialect> {
        self.endpoints.iter().map(|(dialect, _)| *dialect)
    }

    /// The models it lists.
    pub fn models(&self) -> &[Arc<Model>] {
        &self.models
    }

    /// The facts of the model that it knows as `name`, listed or not.
    pub fn model(&self, name: &str) -> Arc<Model> {
        match self.models.iter().find(|model| model.id == name) {
            Some(listed) => Arc::clone(listed),
            None => Arc::new(self.record.model(name)),
        }
    }

    /// Whether its record lists this model.
    pub fn lists(&self, name: &str) -> bool {
        self.models[..self.found_from].iter().any(|model| model.id == name)
    }

    /// Whether it was found to have this model, which its record does not list.
    pub fn was_found_with(&self, name: &str) -> bool {
        self.models[self.found_from..].iter().any(|model| model.id == name)
    }

    /// Whether its record has a list of models and `model` is not in it. A provider's own list
    /// says nothing about what it leaves out.
    pub fn misses(&self, model: &Model) -> bool {
        !model.listed && (self.record.models_closed || self.found_from > 0)
    }

    /// Whether it was made from the record with this id or synonym.
    fn is_preset(&self, name: &str) -> bool {
        let record = &self.record;
        self.preset.is_some()
            && (record.id == name || record.synonyms.iter().any(|synonym| synonym == name))
    }
}
