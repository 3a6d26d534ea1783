//! Reading tables key by key. A table remembers which keys were asked for, so that whatever is left
//! over is unknown, and the keys that were asked for are the suggestions.

use std::cell::RefCell;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Diagnostic, Severity, nearest};

/// Collects the complaints about one file.
#[derive(Debug)]
pub struct Reader {
    file: PathBuf,
    /// Where each line starts, in bytes.
    lines: Vec<usize>,
    text: String,
    found: RefCell<Vec<Diagnostic>>,
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot<T> {
    pub value: T,
    pub path: String,
    pub span: Range<usize>,
}

impl<T> Spot<T> {
    /// Another value at the same place.
    pub fn with<U>(&self, value: U) -> Spot<U> {
        Spot { value, path: self.path.clone(), span: self.span.clone() }
    }
}

/// A value that has not been looked at yet.
#[derive(Clone, Debug)]
pub struct Node<'a> {
    reader: &'a Reader,
    value: &'a DeValue<'a>,
    place: Spot<()>,
}

/// A table being read.
#[derive(Debug)]
pub struct Table<'a> {
    reader: &'a Reader,
    map: &'a DeTable<'a>,
    place: Spot<()>,
    asked: Vec<&'static str>,
}

/// The document of `reader`. Syntax errors are reported, and nothing else is then: what could be
/// understood of a broken document would bring complaints about things that nobody wrote.
pub fn parse<'a>(reader: &'a Reader) -> Option<Spanned<DeTable<'a>>> {
    let (root, errors) = DeTable::parse_recoverable(&reader.text);
    for error in &errors {
        // Only the message: the error's full text quotes the line, which may hold a key.
        let spot = Spot { value: (), path: String::new(), span: error.span().unwrap_or(0..0) };
        reader.error(&spot, first_line(error.message()));
    }
    errors.is_empty().then_some(root)
}

impl Reader {
    pub fn new(file: &Path, text: &str) -> Self {
        let starts = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            file: file.to_owned(),
            lines: std::iter::once(0).chain(starts).collect(),
            text: text.to_owned(),
            found: RefCell::default(),
        }
    }

    /// The root of a parsed document.
    pub fn root<'a>(&'a self, root: &'a Spanned<DeTable<'a>>) -> Table<'a> {
        let place = Spot { value: (), path: String::new(), span: root.span() };
        Table { reader: self, map: root.get_ref(), place, asked: Vec::new() }
    }

    pub fn error<T>(&self, at: &Spot<T>, message: impl Into<String>) {
        self.report(Severity::Error, at, message, None);
    }

    pub fn report<T>(
        &self,
        severity: Severity,
        at: &Spot<T>,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        let (line, column) = self.position(at);
        self.found.borrow_mut().push(Diagnostic {
            severity,
            file: self.file.clone(),
            line,
            column,
            path: at.path.clone(),
            message: message.into(),
            hint,
        });
    }

    /// Line and column of a place, counted from 1.
    pub fn position<T>(&self, at: &Spot<T>) -> (usize, usize) {
        let line = self.lines.partition_point(|start| *start <= at.span.start);
        let before = self.text.get(self.lines[line - 1]..at.span.start).unwrap_or_default();
        (line, before.chars().count() + 1)
    }

    /// All complaints, in the order of the file.
    pub fn finish(self) -> Vec<Diagnostic> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
        found
    }
}

impl<'a> Table<'a> {
    pub const fn reader(&self) -> &'a Reader {
        self.reader
    }

    pub const fn place(&self) -> &Spot<()> {
        &self.place
    }

    /// The value of `key`, which is thereby known.
    pub fn get(&mut self, key: &'static str) -> Option<Node<'a>> {
        self.asked.push(key);
        self.map
            .iter()
            .find(|(name, _)| name.get_ref() == key)
            .map(|(_, value)| self.child(key, value))
    }

    /// Whether `key` is there. It does not count as asked for.
    pub fn has(&self, key: &str) -> bool {
        self.map.iter().any(|(name, _)| name.get_ref() == key)
    }

    pub fn text(&mut self, key: &'static str) -> Option<Spot<String>> {
        self.get(key)?.text()
    }

    pub fn flag(&mut self, key: &'static str) -> Option<Spot<bool>> {
        self.get(key)?.flag()
    }

    pub fn number(&mut self, key: &'static str) -> Option<Spot<u64>> {
        self.get(key)?.number()
    }

    pub fn table(&mut self, key: &'static str) -> Option<Table<'a>> {
        self.get(key)?.table()
    }

    /// A list of strings. One string counts as a list of one.
    pub fn texts(&mut self, key: &'static str) -> Option<Vec<Spot<String>>> {
        self.get(key)?.texts()
    }

    /// A string that must be one of `words`.
    pub fn word<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&'static str, T)],
    ) -> Option<Spot<T>> {
        let text = self.text(key)?;
        self.reader.word(&text, words).map(|value| text.with(value))
    }

    /// Every entry, in the order of the file, with the place of its key. For tables whose keys are
    /// names; nothing in them is unknown.
    pub fn entries(&self) -> Vec<(Spot<String>, Node<'a>)> {
        let mut entries: Vec<_> = self
            .map
            .iter()
            .map(|(key, value)| {
                let node = self.child(key.get_ref(), value);
                let name = key.get_ref().clone().into_owned();
                (Spot { value: name, path: node.place.path.clone(), span: key.span() }, node)
            })
            .collect();
        entries.sort_by_key(|(key, _)| key.span.start);
        entries
    }

    /// Reports every key that nobody asked for.
    pub fn finish(self) {
        for (key, _) in self.entries() {
            if self.asked.contains(&key.value.as_str()) {
                continue;
            }
            let hint = match nearest(&key.value, self.asked.iter().copied(), 1).first() {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => {
                    let mut known = self.asked.clone();
                    known.sort_unstable();
                    known.dedup();
                    format!("known here: {}", known.join(", "))
                }
            };
            self.reader.report(Severity::Error, &key, "unknown key", Some(hint));
        }
    }

    fn child(&self, key: &str, value: &'a Spanned<DeValue<'a>>) -> Node<'a> {
        let key = if key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
            key.to_owned()
        } else {
            format!("\"{key}\"")
        };
        let path =
            if self.place.path.is_empty() { key } else { format!("{}.{key}", self.place.path) };
        Node {
            reader: self.reader,
            value: value.get_ref(),
            place: Spot { value: (), path, span: value.span() },
        }
    }
}

impl<'a> Node<'a> {
    pub const fn reader(&self) -> &'a Reader {
        self.reader
    }

    pub const fn place(&self) -> &Spot<()> {
        &self.place
    }

    pub const fn is_table(&self) -> bool {
        matches!(self.value, DeValue::Table(_))
    }

    pub const fn is_list(&self) -> bool {
        matches!(self.value, DeValue::Array(_))
    }

    pub const fn is_text(&self) -> bool {
        matches!(self.value, DeValue::String(_))
    }

    pub fn text(&self) -> Option<Spot<String>> {
        match self.value {
            DeValue::String(text) => Some(self.place.with(text.clone().into_owned())),
            _ => self.expected("a string"),
        }
    }

    pub fn flag(&self) -> Option<Spot<bool>> {
        match self.value {
            DeValue::Boolean(flag) => Some(self.place.with(*flag)),
            _ => self.expected("`true` or `false`"),
        }
    }

    pub fn number(&self) -> Option<Spot<u64>> {
        match self.value {
            DeValue::Integer(number) => {
                match u64::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) => Some(self.place.with(number)),
                    Err(_) => self.expected("a whole number of 0 or more"),
                }
            }
            _ => self.expected("a whole number of 0 or more"),
        }
    }

    /// A number that may have a fraction.
    pub fn decimal(&self) -> Option<Spot<f64>> {
        let parsed = match self.value {
            DeValue::Integer(number) => number.as_str().parse().ok(),
            DeValue::Float(number) => number.as_str().parse().ok(),
            _ => None,
        };
        match parsed {
            Some(number) => Some(self.place.with(number)),
            None => self.expected("a number"),
        }
    }

    pub fn table(&self) -> Option<Table<'a>> {
        match self.value {
            DeValue::Table(map) => Some(Table {
                reader: self.reader,
                map,
                place: self.place.clone(),
                asked: Vec::new(),
            }),
            _ => self.expected("a table"),
        }
    }

    pub fn list(&self) -> Option<Vec<Node<'a>>> {
        match self.value {
            DeValue::Array(items) => Some(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| Node {
                        reader: self.reader,
                        value: item.get_ref(),
                        place: Spot {
                            value: (),
                            path: format!("{}[{index}]", self.place.path),
                            span: item.span(),
                        },
                    })
                    .collect(),
            ),
            _ => self.expected("a list"),
        }
    }

    /// A list of strings. One string counts as a list of one.
    pub fn texts(&self) -> Option<Vec<Spot<String>>> {
        match self.value {
            DeValue::String(_) => self.text().map(|text| vec![text]),
            DeValue::Array(_) => Some(self.list()?.iter().filter_map(Node::text).collect()),
            _ => self.expected("a string or a list of strings"),
        }
    }

    /// The same value as JSON. Dates become strings; a number that JSON cannot hold is a complaint.
    pub fn json(&self) -> Option<Value> {
        match json(self.value) {
            Some(value) => Some(value),
            None => self.expected("a value that JSON can hold"),
        }
    }

    fn expected<T>(&self, what: &str) -> Option<T> {
        // The found value is not quoted: it may be a key in the wrong place.
        let message = format!("expected {what}, found {}", kind(self.value));
        self.reader.error(&self.place, message);
        None
    }
}

impl Reader {
    /// The meaning of `text`, which must be one of `words`.
    pub fn word<T: Copy>(&self, text: &Spot<String>, words: &[(&'static str, T)]) -> Option<T> {
        let found = words.iter().find(|(word, _)| *word == text.value).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
            self.report(
                Severity::Error,
                text,
                format!("`{}` is not known here", text.value),
                Some(format!("use one of {}", names.join(", "))),
            );
        }
        found
    }
}

fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or("broken TOML").to_owned()
}

const fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn json(value: &DeValue<'_>) -> Option<Value> {
    Some(match value {
        DeValue::String(text) => Value::String(text.clone().into_owned()),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).ok()?.into()
        }
        DeValue::Float(number) => {
            Value::Number(serde_json::Number::from_f64(number.as_str().parse().ok()?)?)
        }
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(date) => Value::String(date.to_string()),
        DeValue::Array(items) => {
            Value::Array(items.iter().map(|item| json(item.get_ref())).collect::<Option<_>>()?)
        }
        DeValue::Table(table) => Value::Object(
            table
                .iter()
                .map(|(key, value)| {
                    Some((key.get_ref().clone().into_owned(), json(value.get_ref())?))
                })
                .collect::<Option<Map<_, _>>>()?,
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(text: &str, read: impl FnOnce(Table<'_>)) -> Vec<String> {
        let reader = Reader::new(Path::new("t.toml"), text);
        let document = parse(&reader);
        if let Some(document) = &document {
            read(reader.root(document));
        }
        drop(document);
        reader.finish().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_complaint_names_its_line_and_key() {
        let text = "a = 1\n[t]\n  name = 3\n  nmae = \"x\"\n";
        let found = complaints(text, |mut root| {
            assert_eq!(root.number("a").map(|a| a.value), Some(1));
            let mut table = root.table("t").expect("it is there");
            assert!(table.text("name").is_none());
            table.finish();
            root.finish();
        });
        assert_eq!(
            found,
            [
                "error: t.toml:3:10: t.name: expected a string, found a number",
                "error: t.toml:4:3: t.nmae: unknown key; hint: did you mean `name`?",
            ]
        );
    }

    #[test]
    fn syntax_errors_do_not_quote_the_line() {
        let found = complaints("x = 1\nkey = \"canary\n", |_| ());
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("error: t.toml:2:"), "{found:?}");
        assert!(!found[0].contains("canary"), "{found:?}");
    }
}
