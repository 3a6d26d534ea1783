//! The closed world of what quire writes to servers: for each member of a dialect's request whether
//! quire writes it, and from what. Each dialect has its rows; the tests hold them against
//! `corpus/world/*.txt` and against what the renderers write.

pub use crate::fates::Section;

/// Whether quire writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Yes, from this.
    Written(&'static str),
    /// From this, where the model's record lists the member under `accepts`.
    Accepted(&'static str),
    /// From this, where the model's record says that it is understood.
    Understood(&'static str),
    /// From this, in the words of the model's record: `efforts`, `always` or `replay`.
    Recorded(&'static str),
    /// No, and this is why.
    Never(&'static str),
}

/// One decision; it holds for everything beneath its path unless a longer row says otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub section: Section,
    /// Dotted path; indices of arrays are left out.
    pub path: &'static str,
    pub usage: Use,
}

pub(crate) const fn row(section: Section, path: &'static str, usage: Use) -> Row {
    Row { section, path, usage }
}

/// The decision of `rows` about `path`, or about the nearest thing above it.
pub(crate) fn nearest(rows: &'static [Row], section: Section, path: &str) -> Option<&'static Row> {
    let mut at = path;
    loop {
        if let Some(row) = rows.iter().find(|row| row.section == section && row.path == at) {
            return Some(row);
        }
        at = &at[..at.rfind('.')?];
    }
}
