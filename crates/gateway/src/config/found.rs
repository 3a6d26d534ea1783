//! What providers said of their own models, laid over the configuration. It asks nobody.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Place, Provider, Snapshot};
use crate::catalog::Found;
use crate::secret::SafeUrl;

/// The lists of providers by their names.
#[derive(Debug, Default)]
pub(super) struct FoundModels(HashMap<String, (Option<SafeUrl>, Arc<[Found]>)>);

impl FoundModels {
    /// Keeps the list of a provider and says whether it is another one than before.
    pub(super) fn replace(&mut self, provider: &Provider, models: Arc<[Found]>) -> bool {
        let list = (provider.record.models_url(), models);
        if self.0.get(&provider.id) == Some(&list) {
            return false;
        }
        self.0.insert(provider.id.clone(), list);
        true
    }

    /// `snapshot` with every list whose provider is still there, at the same address.
    pub(super) fn laid_over(&self, mut snapshot: Snapshot) -> Snapshot {
        for provider in &mut snapshot.providers {
            let Some((url, models)) = self.0.get(&provider.id) else { continue };
            if provider.record.live_models.is_some() && provider.record.models_url() == *url {
                *provider = Arc::new(provider.with_found(models));
            }
        }
        let aliases = snapshot.aliases.iter_mut().flat_map(|alias| &mut alias.to);
        let fallbacks = snapshot.fallbacks.iter_mut().flat_map(|fallback| &mut fallback.to);
        for place in aliases.chain(fallbacks) {
            let now = snapshot.providers.iter().find(|now| now.id == place.provider.id);
            if let Some(now) = now.filter(|now| !Arc::ptr_eq(now, &place.provider)) {
                *place = Place { provider: Arc::clone(now), model: now.model(&place.model.id) };
            }
        }
        snapshot
    }
}
