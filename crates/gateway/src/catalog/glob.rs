//! Patterns in which `*` stands for any text, also none. Nothing else is special.

use std::cmp::Reverse;

/// A pattern for model names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(String);

impl Glob {
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// Whether `text` is a pattern at all.
    pub fn is_pattern(text: &str) -> bool {
        text.contains('*')
    }

    pub fn pattern(&self) -> &str {
        &self.0
    }

    pub fn matches(&self, text: &str) -> bool {
        let mut parts = self.0.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = text.strip_prefix(first) else { return false };
        let mut last = None;
        for part in parts {
            if let Some(middle) = last.replace(part) {
                match rest.split_once(middle) {
                    Some((_, after)) => rest = after,
                    None => return false,
                }
            }
        }
        match last {
            Some(end) => rest.ends_with(end),
            None => rest.is_empty(),
        }
    }

    /// Sorts the more exact pattern first: more letters, fewer stars.
    pub fn exactness(&self) -> (Reverse<usize>, usize) {
        let stars = self.0.matches('*').count();
        (Reverse(self.0.len() - stars), stars)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_text() {
        let table = [
            ("*", "", true),
            ("*", "x/y", true),
            ("a*", "abc", true),
            ("a*", "ba", false),
            ("*-pro", "v4-pro", true),
            ("*-pro", "v4-pro-x", false),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "acb", false),
            ("a*a", "a", false),
            ("a**b", "ab", true),
            ("abc", "abc", true),
            ("abc", "abcd", false),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(Glob::new(pattern).matches(text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn the_more_exact_pattern_sorts_first() {
        let mut globs = ["*", "gpt-5*", "gpt-*", "gpt-*-mini"].map(Glob::new);
        globs.sort_by_key(Glob::exactness);
        assert_eq!(globs.map(|glob| glob.0), ["gpt-*-mini", "gpt-5*", "gpt-*", "*"]);
    }
}
