//! What was lost or changed in translation, as data. Whatever is not passed exactly becomes a
//! note: it goes back to the caller (header and body), into the request log and the dashboard.

use crate::dialect::Dialect;
use crate::json::quote_into;
use crate::paths;
use std::borrow::Cow;
use std::fmt::Write as _;

/// How many different notes one exchange keeps; the rest is counted in [`Code::MoreNotes`].
const MAX_NOTES: usize = 64;
/// The size that the header's value stays under, in bytes.
const MAX_HEADER: usize = 1024;
/// The size that one place stays under, in bytes: it may hold a name that the caller chose.
const MAX_PLACE: usize = 96;

/// What a change did to the thing it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Dropped,
    Approximated,
    Defaulted,
    Repaired,
}

impl Effect {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dropped => "dropped",
            Self::Approximated => "approximated",
            Self::Defaulted => "defaulted",
            Self::Repaired => "repaired",
        }
    }
}

macro_rules! codes {
    ($($variant:ident, $name:literal, $effect:ident, $message:literal;)*) => {
        /// What happened. The names are stable: clients and dashboards rely on them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = $message] $variant,)*
        }

        impl Code {
            /// Every code, for tables and tests.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The stable name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it does to the thing it names.
            pub const fn effect(self) -> Effect {
                match self { $(Self::$variant => Effect::$effect,)* }
            }

            /// One line for people.
            pub const fn message(self) -> &'static str {
                match self { $(Self::$variant => $message,)* }
            }
        }
    };
}

codes! {
    UnknownField, "unknown-field", Dropped, "quire does not know this member, so it went no further";
    FieldIgnored, "field-ignored", Dropped, "the target has no counterpart for this member";
    ItemMetadata, "item-metadata", Dropped, "ids and states of history items mean nothing to the target";
    NotStored, "not-stored", Dropped, "the answer is not kept on a server, whatever `store` says";
    UnknownItem, "unknown-item", Dropped, "quire does not know this kind of item, so it was left out";
    ItemDropped, "item-dropped", Dropped, "the target has no counterpart for this item";
    UnknownPart, "unknown-part", Dropped, "quire does not know this kind of content, so a marker stands for it";
    PartDropped, "part-dropped", Dropped, "the target has no counterpart for this content, so a marker stands for it";
    ImageOmitted, "image-omitted", Dropped, "the model cannot see images, so a short marker stands for it";
    ImageDetail, "image-detail", Approximated, "the target does not know this level of detail; the nearest was asked for";
    ImageMoved, "image-moved", Approximated, "the target takes no images in tool results; they follow in a user message";
    FileOmitted, "file-omitted", Dropped, "the model cannot read files, so a short marker stands for it";
    UnknownTool, "unknown-tool", Dropped, "quire does not know this kind of tool, so it was not offered to the model";
    ToolDropped, "tool-dropped", Dropped, "the target cannot run this hosted tool, so it was not offered to the model";
    FunctionsAsTools, "functions-as-tools", Approximated, "the request declares tools in the older form; calls come back in the newer one, as `tool_calls`";
    ToolsCut, "tools-cut", Dropped, "the target takes fewer tools; those beyond its limit were not offered to the model";
    CustomTool, "custom-tool-as-function", Approximated, "the target has no freeform tools: the model sees a function with one string, and the grammar in its description";
    NamespaceText, "namespace-description", Dropped, "the target has no namespaces: tools keep their names, the group's own description is lost";
    StrictIgnored, "strict-ignored", Dropped, "the target does not promise to follow this schema strictly";
    EncryptedFlag, "encrypted-flag", Dropped, "the schema member `encrypted` is known to OpenAI only";
    SchemaRepaired, "schema-repaired", Repaired, "the tool's schema was not one that the target accepts";
    ToolChoice, "tool-choice", Approximated, "the target does not know this tool choice; the nearest was asked for";
    ParallelIgnored, "parallel-ignored", Dropped, "the target cannot be told whether calls may run side by side";
    EffortMapped, "effort-mapped", Approximated, "the model has no such effort; the nearest was asked for";
    EffortIgnored, "effort-ignored", Dropped, "the model cannot be told how hard to think";
    SchemaAsObject, "schema-as-object", Approximated, "the target cannot follow a JSON schema; it was asked for any JSON object";
    FormatIgnored, "format-ignored", Dropped, "the target cannot be told the form of its answer";
    MaxTokensClamped, "max-tokens-clamped", Approximated, "the model cannot write that much; its own limit was asked for";
    MaxTokensRaised, "max-tokens-raised", Approximated, "the target refuses so small a limit; the least that it accepts was asked for";
    IdShortened, "id-shortened", Approximated, "the target takes ids of at most 64 characters; this one was cut and ends in a hash, the same every time";
    SystemMoved, "system-moved", Approximated, "the target takes system text only at the start; later text went as a user message";
    DeveloperRole, "developer-as-system", Approximated, "the target knows no role `developer`; the message went as `system`, which means the same there";
    ResultMissing, "tool-result-missing", Repaired, "a tool call without a result got a placeholder, since the target demands one";
    ResultOrphan, "tool-result-orphan", Repaired, "a tool result without its call went as a user message";
    CallIdRepeated, "call-id-repeated", Repaired, "two calls had the same id; the later one got its own";
    ArgumentsRepaired, "arguments-repaired", Repaired, "a call in the history had arguments that are no JSON object; they were wrapped in one";
    ReasoningDropped, "reasoning-dropped", Dropped, "the target takes no reasoning of earlier turns";
    ReasoningForeign, "reasoning-foreign", Dropped, "this reasoning belongs to another model or server and means nothing to the target";
    CompactionUnreadable, "compaction-unreadable", Dropped, "this summary was sealed by another server, so the history before it is lost";
    AliasDefault, "alias-setting", Defaulted, "the alias's own setting was used, since the request has none";
    ModelUnlisted, "model-unlisted", Approximated, "the provider's list does not name this model; it was asked for all the same";
    FallbackUsed, "fallback-used", Approximated, "the first choice failed, so a configured fallback answered";
    DuplicateMember, "duplicate-member", Dropped, "this member stands more than once; the last one counts";
    FinishUnknown, "finish-unknown", Approximated, "the upstream ended for a reason that quire does not know; the answer counts as complete";
    Paused, "turn-paused", Approximated, "the upstream stopped in the middle of what its own tools do; ask it to go on";
    UsageEstimated, "usage-estimated", Defaulted, "the upstream reported no usage; the counts are estimated from the number of bytes";
    CountEstimated, "count-estimated", Defaulted, "the provider has no endpoint that counts tokens; this number is estimated from the number of bytes";
    InputUnwrapped, "input-unwrapped", Repaired, "the model did not wrap the tool's input as asked; what it wrote was taken";
    CallIncomplete, "call-incomplete", Repaired, "the tool call broke off, so it was not handed out to be run";
    RefusalAsText, "refusal-as-text", Approximated, "the client shows nothing for a refusal, so it went as text";
    CacheBreakpoint, "cache-breakpoint", Dropped, "the target caches by itself, so marks of what to cache mean nothing to it";
    BillingHeader, "billing-header", Dropped, "the client's billing line changes with every build and is meant for Anthropic, so it went no further";
    ClientIds, "client-ids", Dropped, "ids of the user's device, account and session are not forwarded";
    DeferredOffered, "deferred-tool-offered", Approximated, "nobody searches for tools here, so a deferred one was offered at once";
    HostedCall, "hosted-call", Approximated, "what Anthropic's servers once ran goes back as an ordinary tool call";
    ErrorResult, "error-result", Approximated, "the target has no mark for failed tools; the result says so in words";
    Prefill, "prefill", Approximated, "the target may answer after the last assistant message instead of continuing it";
    EventDropped, "event-dropped", Dropped, "the upstream sent something that the client's dialect cannot carry";
    ThinkingLeftOut, "thinking-left-out", Dropped, "the target wants the reasoning of a turn back and the history lacks it, so the model was not asked to think this time";
    SamplingDropped, "sampling-dropped", Dropped, "the target refuses this setting beside thinking, or beside another one";
    SamplingClamped, "sampling-clamped", Approximated, "the target takes a smaller range; its nearest value was asked for";
    TierMapped, "tier-mapped", Approximated, "the target has other service tiers; the nearest was asked for";
    StopDropped, "stop-dropped", Dropped, "the target refuses a stop text of spaces alone, or so many of them";
    UserTurnAdded, "user-turn-added", Repaired, "the target wants the user to speak last, so the user was made to ask for more";
    CallIdMapped, "call-id-mapped", Repaired, "the target refuses some characters in ids of calls; this id was changed, the same every time";
    ToolsRecalled, "tools-recalled", Repaired, "the target wants the tools declared that the history calls; they were named and forbidden";
    MoreNotes, "more-notes", Dropped, "there were more notes than one answer carries";
}

impl Code {
    /// The code with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }
}

/// One change, how often it happened, and where: a path such as `input[].id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub code: Code,
    pub at: Cow<'static, str>,
    pub count: u32,
}

/// The notes of one exchange. The same change at the same place is one note with a count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    list: Vec<Note>,
}

impl Notes {
    /// Adds a note.
    pub fn add(&mut self, code: Code, at: impl Into<Cow<'static, str>>) {
        self.add_times(code, at.into(), 1);
    }

    fn add_times(&mut self, code: Code, at: Cow<'static, str>, count: u32) {
        if let Some(note) = self.list.iter_mut().find(|note| note.code == code && note.at == at) {
            note.count += count;
        } else if self.list.len() < MAX_NOTES {
            self.list.push(Note { code, at: shortened(at), count });
        } else {
            match self.list.last_mut() {
                Some(last) if last.code == Code::MoreNotes => last.count += count,
                _ => self.list.push(Note { code: Code::MoreNotes, at: "".into(), count }),
            }
        }
    }

    /// Adds the notes of what knows the turn alone, with their places in the words of the `client`'s
    /// dialect.
    pub fn tell(&mut self, others: Self, client: Dialect) {
        for Note { code, at, count } in others.list {
            let at = paths::told_to(client, at);
            self.add_times(code, at, count);
        }
    }

    /// Takes back what did not come to pass.
    pub(crate) fn take_back(&mut self, code: Code) {
        self.list.retain(|note| note.code != code);
    }

    /// The notes in the order in which they arose.
    pub fn list(&self) -> &[Note] {
        &self.list
    }

    /// Whether nothing was changed.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The value of the `x-quire-notes` header, `code, code;n=3`; empty when there are no notes.
    pub fn header(&self) -> String {
        let mut counts: Vec<(Code, u32)> = Vec::new();
        for note in &self.list {
            match counts.iter_mut().find(|(code, _)| *code == note.code) {
                Some((_, count)) => *count += note.count,
                None => counts.push((note.code, note.count)),
            }
        }
        let mut header = String::new();
        for (code, count) in counts {
            let before = header.len();
            if !header.is_empty() {
                header.push_str(", ");
            }
            header.push_str(code.name());
            if count > 1 {
                write!(header, ";n={count}").expect("a String takes every write");
            }
            if header.len() > MAX_HEADER {
                header.truncate(before);
                break;
            }
        }
        header
    }

    /// Appends the notes as a JSON array of `{code, at, effect, message}`, with `count` where a
    /// change happened more than once.
    pub fn write_json(&self, out: &mut String) {
        out.push('[');
        for (index, note) in self.list.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            out.push_str("{\"code\":");
            quote_into(note.code.name(), out);
            out.push_str(",\"at\":");
            quote_into(&note.at, out);
            out.push_str(",\"effect\":");
            quote_into(note.code.effect().name(), out);
            out.push_str(",\"message\":");
            quote_into(note.code.message(), out);
            if note.count > 1 {
                write!(out, ",\"count\":{}", note.count).expect("a String takes every write");
            }
            out.push('}');
        }
        out.push(']');
    }
}

fn shortened(at: Cow<'static, str>) -> Cow<'static, str> {
    if at.len() <= MAX_PLACE {
        return at;
    }
    let mut end = MAX_PLACE;
    while !at.is_char_boundary(end) {
        end -= 1;
    }
    Cow::Owned(format!("{}…", &at[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_notes_are_counted_and_the_header_sums_by_code() {
        let mut notes = Notes::default();
        notes.add(Code::FieldIgnored, "user");
        notes.add(Code::ImageOmitted, "input[].content[]");
        notes.add(Code::ImageOmitted, "input[].content[]");
        notes.add(Code::ImageOmitted, "input[].output[]");
        assert_eq!(notes.list().len(), 3);
        assert_eq!(notes.header(), "field-ignored, image-omitted;n=3");
    }

    #[test]
    fn a_flood_of_notes_stays_small() {
        let mut notes = Notes::default();
        for index in 0..10_000 {
            notes.add(Code::UnknownField, format!("x{index}{}", "é".repeat(300)));
        }
        assert_eq!(notes.list().len(), MAX_NOTES + 1);
        assert!(notes.header().len() <= MAX_HEADER);
        let mut json = String::new();
        notes.write_json(&mut json);
        assert!(json.len() < 40_000 && serde_json::from_str::<serde_json::Value>(&json).is_ok());
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = Code::ALL.iter().map(|code| code.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
    }
}
