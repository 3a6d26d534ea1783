//! The closed world of requests: how a dialect's table says what becomes of every field, message,
//! part and tool when the target speaks another dialect. The parsers take their notes from their
//! tables, and `docs/compatibility.md` is made from them.
//!
//! A row decides for everything beneath its path unless a longer row says otherwise. The worlds
//! themselves, `corpus/world/*.txt`, are held against the tables and the tables against the parsers
//! by `tests/world`.

use crate::fault::Fault;
use crate::note::{Code, Notes};

/// What kind of thing a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Field,
    /// One word that a field may have, as `include=reasoning.encrypted_content`.
    Value,
    /// An input item of the Responses dialect.
    Item,
    /// A member of a message, by the message's role.
    Role,
    Part,
    /// A content block of the Messages dialect.
    Block,
    Tool,
    /// A keyword of a tool's JSON schema.
    Schema,
}

impl Section {
    /// Every section, in the order of the documentation.
    pub const ALL: [Self; 8] = [
        Self::Field,
        Self::Value,
        Self::Item,
        Self::Role,
        Self::Part,
        Self::Block,
        Self::Tool,
        Self::Schema,
    ];

    /// The word used in the world lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Field => "field",
            Self::Value => "value",
            Self::Item => "item",
            Self::Role => "role",
            Self::Part => "part",
            Self::Block => "block",
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

/// A row of a table.
pub const fn row(section: Section, path: &'static str, fate: Fate, how: &'static str) -> Row {
    Row { section, path, fate, how }
}

/// Every decision about one dialect's requests.
#[derive(Clone, Copy, Debug)]
pub struct Table(pub &'static [Row]);

impl Table {
    /// The decision about `path`, or about the nearest thing above it.
    pub fn find(self, section: Section, path: &str) -> Option<&'static Row> {
        match section {
            // A word without a row of its own shares the fate of its field.
            Section::Value => self.exact(section, path).or_else(|| {
                self.nearest(Section::Field, path.split_once('=').map_or(path, |(field, _)| field))
            }),
            Section::Schema => self.exact(section, path).or_else(|| self.exact(section, "*")),
            _ => self.nearest(section, path),
        }
    }

    /// The refusal of something that the table says cannot be ignored.
    pub fn refusal(self, path: &'static str) -> Fault {
        let how = self
            .0
            .iter()
            .find(|row| row.path == path && row.fate == Fate::Refused)
            .map_or("leave it out", |row| row.how);
        Fault::bad_request(path, format!("`{path}` cannot be honoured by this target: {how}"))
    }

    /// Notes or refuses `key` of the thing at `of`, which nothing reads. An empty `of` is the thing
    /// itself.
    ///
    /// # Errors
    /// The table says that it is refused.
    pub fn leftover(
        self,
        section: Section,
        of: &str,
        key: &str,
        notes: &mut Notes,
    ) -> Result<(), Fault> {
        let path = if of.is_empty() { key.to_owned() } else { format!("{of}.{key}") };
        match self.find(section, &path) {
            Some(row) => match row.fate {
                Fate::Ignored(code) => notes.add(code, row.path),
                // A longer path beneath one that is read is as unknown as any.
                Fate::Translated | Fate::Depends(_) | Fate::Degraded(_) if row.path != path => {
                    notes.add(Code::UnknownField, path);
                }
                Fate::Degraded(code) => notes.add(code, row.path),
                Fate::Translated | Fate::Depends(_) => {}
                Fate::Refused => return Err(self.refusal(row.path)),
            },
            None => notes.add(Code::UnknownField, path),
        }
        Ok(())
    }

    fn exact(self, section: Section, path: &str) -> Option<&'static Row> {
        self.0.iter().find(|row| row.section == section && row.path == path)
    }

    fn nearest(self, section: Section, path: &str) -> Option<&'static Row> {
        let kind = path.split('.').next().unwrap_or(path);
        let whole = self
            .exact(section, kind)
            .is_some_and(|row| matches!(row.fate, Fate::Ignored(_) | Fate::Refused));
        let shared = |at: &str| {
            let member = at.strip_prefix(kind).filter(|member| !whole && !member.is_empty())?;
            self.0.iter().find(|row| {
                row.section == section
                    && row.path.strip_prefix('*').is_some_and(|shared| shared == member)
            })
        };
        let mut at = path;
        loop {
            if let Some(row) = self.exact(section, at).or_else(|| shared(at)) {
                return Some(row);
            }
            at = &at[..at.rfind('.')?];
        }
    }
}
