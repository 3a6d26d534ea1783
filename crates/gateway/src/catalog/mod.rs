//! What is known about providers and their models, as data: the records of `providers/*.toml`,
//! embedded, and those that the user adds. It knows no key and opens no connection. Start with
//! [`Catalog::embedded`], then [`Record::model`], which gives the facts of one model.

mod address;
mod alias_sets;
mod glob;
mod read;
mod read_models;
mod record;
mod variables;

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

pub use address::{is_forbidden, is_loopback};
pub use alias_sets::{Suggestion, alias_set, alias_sets};
pub use glob::Glob;
pub use read::{Listing, overlay};
pub use record::{
    Auth, Card, Confidence, DIALECTS, Efforts, Endpoint, ErrorRule, Found, LiveModels, Model,
    Prices, Record, Scheme, Source, Traits,
};
pub use variables::{Environment, fill, has_variable};
pub use wire::dialect::Dialect;

use crate::document::{Diagnostic, Reader, Severity, parse};

/// The id of the record whose defaults describe an endpoint about which nothing is known.
pub const GENERIC: &str = "chat";

const EMBEDDED: &[(&str, &str)] = &[
    ("anthropic.toml", include_str!("../../../../providers/anthropic.toml")),
    ("chat.toml", include_str!("../../../../providers/chat.toml")),
    ("deepseek.toml", include_str!("../../../../providers/deepseek.toml")),
    ("lm-studio.toml", include_str!("../../../../providers/lm-studio.toml")),
    ("minimax.toml", include_str!("../../../../providers/minimax.toml")),
    ("minimax-cn.toml", include_str!("../../../../providers/minimax-cn.toml")),
    ("ollama.toml", include_str!("../../../../providers/ollama.toml")),
    ("openai-api.toml", include_str!("../../../../providers/openai-api.toml")),
    ("vllm.toml", include_str!("../../../../providers/vllm.toml")),
    ("xiaomi.toml", include_str!("../../../../providers/xiaomi.toml")),
    ("xiaomi-plan.toml", include_str!("../../../../providers/xiaomi-plan.toml")),
    ("zai.toml", include_str!("../../../../providers/zai.toml")),
    ("zai-api.toml", include_str!("../../../../providers/zai-api.toml")),
    ("zhipu.toml", include_str!("../../../../providers/zhipu.toml")),
    ("zhipu-coding.toml", include_str!("../../../../providers/zhipu-coding.toml")),
];

/// All records, each id once.
#[derive(Clone, Debug)]
pub struct Catalog {
    records: Vec<Arc<Record>>,
}

impl Catalog {
    /// The records that are built in, read once.
    pub fn embedded() -> Self {
        static READ: LazyLock<Catalog> = LazyLock::new(|| {
            let (catalog, found) = Catalog::read_embedded();
            debug_assert!(found.is_empty(), "an embedded record is broken: {found:?}");
            catalog
        });
        READ.clone()
    }

    fn read_embedded() -> (Self, Vec<Diagnostic>) {
        let mut catalog = Self { records: Vec::new() };
        let mut found = Vec::new();
        // A record may extend another one, which must have been read before.
        let mut waiting: Vec<_> = EMBEDDED.to_vec();
        while !waiting.is_empty() {
            let before = waiting.len();
            waiting.retain(|(file, text)| match catalog.add(Path::new(file), text, &|_| None) {
                Ok(complaints) => {
                    found.extend(complaints);
                    false
                }
                Err(Waits) => true,
            });
            if waiting.len() == before {
                let files: Vec<_> = waiting.iter().map(|(file, _)| *file).collect();
                let message = "extends a record that does not exist";
                found.push(Diagnostic::of_file(Severity::Error, files.join(", "), message));
                break;
            }
        }
        catalog.records.sort_by(|a, b| a.id.cmp(&b.id));
        (catalog, found)
    }

    /// Adds the user's records, given as file name and text. One with the id of a known record
    /// extends it, or replaces it if it says `replace = true`.
    pub fn extend(
        &mut self,
        files: &[(PathBuf, String)],
        env: &Environment<'_>,
    ) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for (file, text) in files {
            match self.add(file, text, env) {
                Ok(complaints) => found.extend(complaints),
                Err(Waits) => found.push(
                    Diagnostic::of_file(
                        Severity::Error,
                        file,
                        "`extends` names a record that does not exist",
                    )
                    .with_hint(format!("known records: {}", self.ids().join(", "))),
                ),
            }
        }
        found
    }

    /// The record with this id or synonym.
    pub fn record(&self, name: &str) -> Option<&Arc<Record>> {
        self.records.iter().find(|record| record.id == name).or_else(|| {
            self.records.iter().find(|record| record.synonyms.iter().any(|s| s == name))
        })
    }

    pub fn records(&self) -> &[Arc<Record>] {
        &self.records
    }

    /// The ids of all records that may be used as a preset.
    pub fn ids(&self) -> Vec<&str> {
        self.records.iter().map(|record| record.id.as_str()).collect()
    }

    fn add(
        &mut self,
        file: &Path,
        text: &str,
        env: &Environment<'_>,
    ) -> Result<Vec<Diagnostic>, Waits> {
        let reader = Reader::new(file, text);
        let document = parse(&reader);
        let record = match &document {
            Some(document) => read::record(reader.root(document), self, env)?,
            None => None,
        };
        drop(document);
        if let Some(record) = record {
            self.records.retain(|known| known.id != record.id);
            self.records.push(Arc::new(record));
        }
        Ok(reader.finish())
    }
}

/// The record extends one that has not been read.
#[derive(Debug)]
struct Waits;

#[cfg(test)]
mod tests;
