//! The sets of aliases that quire ships. Data only: what an alias does is the configuration's matter.

use std::path::Path;
use std::sync::LazyLock;

use crate::document::{Diagnostic, Reader, parse};

/// One alias of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    pub alias: String,
    /// `provider/model`, where the provider is the id of a record.
    pub to: String,
    pub purpose: String,
}

type Sets = Vec<(String, Vec<Suggestion>)>;

static SETS: LazyLock<Sets> = LazyLock::new(|| read().0);

/// All sets by name.
pub fn alias_sets() -> &'static [(String, Vec<Suggestion>)] {
    &SETS
}

/// The set with this name.
pub fn alias_set(name: &str) -> Option<&'static [Suggestion]> {
    SETS.iter().find(|(known, _)| known == name).map(|(_, set)| set.as_slice())
}

fn read() -> (Sets, Vec<Diagnostic>) {
    let reader = Reader::new(Path::new("alias_sets.toml"), include_str!("alias_sets.toml"));
    let document = parse(&reader);
    let sets = document
        .iter()
        .flat_map(|document| reader.root(document).entries())
        .filter_map(|(set, node)| {
            let suggestions = node.table()?.entries().into_iter().filter_map(|(alias, node)| {
                let mut row = node.table()?;
                let (to, purpose) = (row.text("to")?.value, row.text("purpose")?.value);
                row.finish();
                Some(Suggestion { alias: alias.value, to, purpose })
            });
            Some((set.value, suggestions.collect()))
        })
        .collect();
    drop(document);
    (sets, reader.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    #[test]
    fn the_sets_are_clean_and_name_known_models() {
        let (sets, found) = read();
        assert!(found.is_empty(), "{found:?}");
        let catalog = Catalog::embedded();
        for suggestion in sets.iter().flat_map(|(_, set)| set) {
            let (provider, model) = suggestion.to.split_once('/').expect("provider/model");
            let record = catalog.record(provider).expect("a known record");
            assert_eq!(record.id, provider);
            assert!(record.model(model).listed, "{suggestion:?}");
        }
    }

    #[test]
    fn codex_defaults_are_the_five_names_that_codex_offers() {
        let set = alias_set("codex-defaults").expect("it is shipped");
        let rows: Vec<_> = set.iter().map(|s| (s.alias.as_str(), s.to.as_str())).collect();
        assert_eq!(
            rows,
            [
                ("gpt-5.5", "deepseek/deepseek-v4-pro"),
                ("gpt-5.4", "deepseek/deepseek-v4-pro"),
                ("gpt-5.4-mini", "zhipu/glm-5.1"),
                ("gpt-5.3-codex", "deepseek/deepseek-v4-pro"),
                ("gpt-5.3-codex-spark", "zhipu/glm-5.1"),
            ]
        );
    }
}
