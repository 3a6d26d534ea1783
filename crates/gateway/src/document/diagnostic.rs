//! One complaint about a document.

use std::fmt;
use std::path::PathBuf;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The document works, but probably not as its author thinks.
    Warning,
    /// The document cannot be used.
    Error,
}

impl Severity {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What is wrong, where, and how to mend it. Never holds a value that could be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    pub file: PathBuf,
    /// Counted from 1; 0 where the complaint is about the file as a whole.
    pub line: usize,
    /// Counted from 1, in characters; 0 where the complaint is about the file as a whole.
    pub column: usize,
    /// The key, such as `providers.lab.base_url`. Empty for the document as a whole.
    pub path: String,
    pub message: String,
    pub hint: Option<String>,
}

impl Diagnostic {
    /// A complaint about a file as a whole.
    pub fn of_file(
        severity: Severity,
        file: impl Into<PathBuf>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            severity,
            file: file.into(),
            line: 0,
            column: 0,
            path: String::new(),
            message: message.into(),
            hint: None,
        }
    }

    /// The same as JSON, for `--json` and the admin API.
    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "severity": self.severity.name(),
            "file": self.file.display().to_string(),
            "line": (self.line > 0).then_some(self.line),
            "column": (self.column > 0).then_some(self.column),
            "path": self.path,
            "message": self.message,
            "hint": self.hint,
        })
    }

    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// `error: config.toml:3:1: providers.lab: no such key; hint: …`
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.severity.name(), self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        if !self.path.is_empty() {
            write!(f, ": {}", self.path)?;
        }
        write!(f, ": {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "; hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// Whether any of them forbids using the document.
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_has_a_line_for_people_and_an_object_for_programs() {
        let whole = Diagnostic::of_file(Severity::Error, "a.toml", "gone").with_hint("look");
        assert_eq!(whole.to_string(), "error: a.toml: gone; hint: look");
        assert_eq!(whole.json()["line"], serde_json::Value::Null);
        let placed = Diagnostic { line: 3, column: 7, path: "x.y".to_owned(), ..whole };
        assert_eq!(placed.to_string(), "error: a.toml:3:7: x.y: gone; hint: look");
        assert_eq!(placed.json()["line"], 3);
        assert_eq!(placed.json()["severity"], "error");
    }
}
