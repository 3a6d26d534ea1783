//! The table, theme by theme.

use super::Rule;

/// Every row. Within a vendor, rows are tried in this order: the more basic fault first.
pub static RULES: &[&[Rule]] = &[body::RULES];

mod body;
