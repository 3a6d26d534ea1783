//! The closed world of Responses requests: what becomes of every field, item, part and tool when
//! the target speaks another dialect. The parser takes its notes from here, and the table in
//! `docs/compatibility.md` is made from it.
//!
//! A row decides for everything beneath its path unless a longer row says otherwise. The world
//! itself, `corpus/world/responses.txt`, is held against the table and the table against the
//! parser by `tests/world.rs`.

mod rows;

use crate::note::Code;
pub use rows::ROWS;

/// What kind of thing a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Field,
    /// One word that a field may have, as `include=reasoning.encrypted_content`.
    Value,
    Item,
    Part,
    Tool,
    /// A keyword of a tool's JSON schema.
    Schema,
}

impl Section {
    /// Every section, in the order of the documentation.
    pub const ALL: [Self; 6] =
        [Self::Field, Self::Value, Self::Item, Self::Part, Self::Tool, Self::Schema];

    /// The word used in the world lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Field => "field",
            Self::Value => "value",
            Self::Item => "item",
            Self::Part => "part",
            Self::Tool => "tool",
            Self::Schema => "schema",
        }
    }
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It has its full effect.
    Translated,
    /// It has its full effect where the target's record says so; else one of the notes tells.
    Depends(&'static [Code]),
    /// It reaches the target changed, and the note tells how.
    Degraded(Code),
    /// It has no effect, and the note tells.
    Ignored(Code),
    /// The request is refused, since the answer would be wrong without it.
    Refused,
}

impl Fate {
    /// The notes that tell of it.
    pub fn codes(&self) -> &[Code] {
        match self {
            Self::Translated | Self::Refused => &[],
            Self::Depends(codes) => codes,
            Self::Degraded(code) | Self::Ignored(code) => std::slice::from_ref(code),
        }
    }
}

/// One decision.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub section: Section,
    /// Dotted path; indices of arrays are left out. `*` stands for every kind that is not left
    /// out or refused as a whole.
    pub path: &'static str,
    pub fate: Fate,
    /// How, in a few words for the documentation; for a refusal what to do instead.
    pub how: &'static str,
}

/// The decision about `path`, or about the nearest thing above it.
pub fn find(section: Section, path: &str) -> Option<&'static Row> {
    match section {
        // A word without a row of its own shares the fate of its field.
        Section::Value => exact(section, path).or_else(|| {
            nearest(Section::Field, path.split_once('=').map_or(path, |(field, _)| field))
        }),
        Section::Schema => exact(section, path).or_else(|| exact(section, "*")),
        Section::Field | Section::Item | Section::Part | Section::Tool => nearest(section, path),
    }
}

fn exact(section: Section, path: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.section == section && row.path == path)
}

fn nearest(section: Section, path: &str) -> Option<&'static Row> {
    let kind = path.split('.').next().unwrap_or(path);
    let whole = exact(section, kind)
        .is_some_and(|row| matches!(row.fate, Fate::Ignored(_) | Fate::Refused));
    let shared = |at: &str| {
        let member = at.strip_prefix(kind).filter(|member| !whole && !member.is_empty())?;
        ROWS.iter().find(|row| {
            row.section == section
                && row.path.strip_prefix('*').is_some_and(|shared| shared == member)
        })
    };
    let mut at = path;
    loop {
        if let Some(row) = exact(section, at).or_else(|| shared(at)) {
            return Some(row);
        }
        at = &at[..at.rfind('.')?];
    }
}
