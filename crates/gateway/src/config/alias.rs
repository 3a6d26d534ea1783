//! Aliases and fallbacks: names that lead to other models, as compiled from the configuration.

use std::sync::Arc;

use wire::turn::Effort;

use super::provider::Provider;
use crate::catalog::{Glob, Model};

/// A model of a provider.
#[derive(Clone, Debug)]
pub struct Place {
    pub provider: Arc<Provider>,
    pub model: Arc<Model>,
}

impl Place {
    /// `provider/model`
    pub fn name(&self) -> String {
        format!("{}/{}", self.provider.id, self.model.id)
    }
}

/// A name that leads to other models, tried in order.
#[derive(Clone, Debug)]
pub struct Alias {
    pub name: String,
    /// Set if the name is a pattern.
    pub pattern: Option<Glob>,
    pub to: Vec<Place>,
    pub settings: Settings,
}

/// What an alias asks for; the request's own wishes win.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// What the alias is meant for, for people to read.
    pub purpose: Option<String>,
    pub effort: Option<Effort>,
    /// The provider's faster, dearer tier.
    pub fast: Option<bool>,
    pub verbosity: Option<Verbosity>,
    pub max_output_tokens: Option<u64>,
}

impl Settings {
    /// These settings, where they are silent those of `below`.
    #[must_use]
    pub(super) fn over(&self, below: &Self) -> Self {
        Self {
            purpose: self.purpose.clone().or_else(|| below.purpose.clone()),
            effort: self.effort.or(below.effort),
            fast: self.fast.or(below.fast),
            verbosity: self.verbosity.or(below.verbosity),
            max_output_tokens: self.max_output_tokens.or(below.max_output_tokens),
        }
    }
}

/// How long answers should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verbosity {
    Low,
    Medium,
    High,
}

impl Verbosity {
    pub(super) const WORDS: [(&'static str, Self); 3] =
        [("low", Self::Low), ("medium", Self::Medium), ("high", Self::High)];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// Where to go on when a model fails before it has answered.
#[derive(Clone, Debug)]
pub struct Fallback {
    /// Matched against `provider/model` and against the name that was asked for.
    pub pattern: Glob,
    pub to: Vec<Place>,
}
