//! The refusal table of Responses.

use super::Rule;

/// The themes.
pub(super) static RULES: &[&[Rule]] = &[];
