//! Where a Messages server is told to keep the prompt: after the tools, after the system text, and
//! after each of the last two things that the user said. The second of those is where the request
//! before ended, so a conversation is always found again (platform.claude.com, "Prompt caching":
//! at most four marks, none on thinking or on empty text).

/// The member that marks the end of what is kept.
pub(super) const MARK: &str = r#","cache_control":{"type":"ephemeral"}"#;

/// The ends of the user's messages, as far as they may be marked.
#[derive(Debug, Default)]
pub(super) struct Marks {
    last: Option<usize>,
    before: Option<usize>,
}

impl Marks {
    /// A message of the user ends; its last block ends just before this place.
    pub(super) fn message_ended(&mut self, at: usize) {
        self.before = self.last.replace(at);
    }

    /// Writes the marks.
    pub(super) fn write(self, out: &mut String) {
        // The later one first: it moves nothing that is still needed.
        for at in [self.last, self.before].into_iter().flatten() {
            out.insert_str(at, MARK);
        }
    }
}
