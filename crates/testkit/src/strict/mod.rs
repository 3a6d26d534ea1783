//! The refusal table of Chat Completions: what vendors refuse, with their status and words. A
//! rule looks at one request body and knows nothing of sockets; [`Profile`] chooses the rules that
//! a server applies. It judges form, not what a model would make of it.

mod profile;
mod rules;
mod walk;

use serde_json::{Value, json};

pub use profile::Profile;
pub use rules::RULES;

/// Who refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Vendor {
    /// Every server that was looked at, the tolerant ones included.
    Every,
    /// OpenAI, and most who copy it; a gateway that breaks such a rule fails somewhere.
    Most,
    /// Every one but OpenAI itself, which has moved on.
    Others,
    OpenAi,
    DeepSeek,
    Zhipu,
    MiniMax,
    MiMo,
    Vllm,
    Ollama,
    LmStudio,
    Mistral,
    Groq,
}

/// How sure a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// Inferred from the vendor's documentation or from neighbours; the words are ours.
    Inferred,
    /// Documented, or reported by others; the words may differ.
    Reported,
    /// The vendor's own words, seen in reports that quote them or in the server's source.
    Quoted,
}

/// What a rule found: where, and the value or list that its words name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// The place, as `messages[1].content`; empty where the vendor names none.
    pub at: String,
    /// What fills `{what}` in the words.
    pub what: String,
}

/// One row of the table.
#[derive(Debug)]
pub struct Rule {
    /// A stable name, in words with dashes.
    pub id: &'static str,
    pub vendor: Vendor,
    /// The first thing wrong with a request, if this rule finds one.
    pub check: fn(&Value) -> Option<Finding>,
    pub status: u16,
    /// `error.code`, where the vendor gives one.
    pub code: Option<&'static str>,
    /// The vendor's words; `{at}` and `{what}` are filled in.
    pub words: &'static str,
    pub source: &'static str,
    pub confidence: Confidence,
    /// The smallest request that shows the rule, for the test of the table.
    pub example: &'static str,
}

/// A request that was refused.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The rule's id.
    pub rule: &'static str,
    pub status: u16,
    pub code: Option<&'static str>,
    /// The place in the request.
    pub at: String,
    /// The vendor's words.
    pub message: String,
}

impl Refusal {
    /// The body of the answer, in the shape of the profile's vendor.
    pub fn body(&self, profile: Profile) -> Value {
        let param = (!self.at.is_empty()).then_some(&self.at);
        match profile {
            Profile::Zhipu => {
                json!({"error": {"code": self.code.unwrap_or("1210"), "message": self.message}})
            }
            Profile::MiniMax => json!({
                "type": "error",
                "error": {"type": "bad_request_error", "message": self.message,
                    "http_code": self.status.to_string()},
                "request_id": "testkit",
            }),
            Profile::DeepSeek => json!({"error": {"message": self.message,
                "type": "invalid_request_error", "param": null, "code": "invalid_request_error"}}),
            Profile::Vllm => json!({"error": {"message": self.message,
                "type": "BadRequestError", "param": param, "code": self.status}}),
            Profile::Mistral => json!({"object": "error", "message": self.message,
                "type": "invalid_request_error", "param": null, "code": "3051"}),
            _ => json!({"error": {"message": self.message,
                "type": "invalid_request_error", "param": param, "code": self.code}}),
        }
    }
}

/// The first rule of the profile that refuses this body.
pub fn check(profile: Profile, body: &Value) -> Option<Refusal> {
    profile.rules().find_map(|rule| rule.refuse(body))
}

/// Every rule of the profile that refuses this body, for a judge that wants the whole truth.
pub fn check_all(profile: Profile, body: &Value) -> Vec<Refusal> {
    profile.rules().filter_map(|rule| rule.refuse(body)).collect()
}

impl Rule {
    /// The refusal, if this rule finds something.
    pub fn refuse(&self, body: &Value) -> Option<Refusal> {
        let Finding { at, what } = (self.check)(body)?;
        let message = self.words.replace("{at}", &at).replace("{what}", &what);
        Some(Refusal { rule: self.id, status: self.status, code: self.code, at, message })
    }
}
