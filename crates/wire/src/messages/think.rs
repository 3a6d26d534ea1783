//! How hard the model is asked to think, and how much it may write. In Messages both are one thing:
//! a thinking budget is a part of `max_tokens`, and thinking forbids some other settings.

use crate::json::{Tape, Value};
use crate::note::{Code, Notes};
use crate::target::{Member, Target};
use crate::turn::{Effort, Turn};

/// What is asked for where neither the request nor the model's record says how much may be written:
/// what Claude Code asks for of models that it does not know, so servers made for it take it.
const DEFAULT_MAX_TOKENS: u64 = 32_000;
/// The least budget that is accepted (Anthropic's API reference, `thinking.budget_tokens`).
const LEAST_BUDGET: u64 = 1_024;
/// What is left for the answer itself where the request does not say.
const ROOM: u64 = 4_096;

/// Whether the model is asked to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thinking {
    /// It is for the model to know.
    Unsaid,
    /// No.
    Off,
    /// As much as it likes: `adaptive` and its kin.
    Free,
    /// Up to a budget. A turn that is under way must then have begun with thinking.
    Budget,
}

impl Thinking {
    /// Whether the request asks for thinking: it then may not force a tool, nor choose its words by
    /// most sampling settings.
    pub(super) const fn is_asked(self) -> bool {
        matches!(self, Self::Free | Self::Budget)
    }
}

/// What is sent about effort and length.
#[derive(Debug)]
pub(super) struct Plan<'t> {
    pub(super) thinking: Thinking,
    pub(super) max_tokens: u64,
    /// The member `thinking`.
    pub(super) member: Option<String>,
    /// The member `output_config`.
    pub(super) output_config: Option<&'t str>,
    /// Whatever else the model's record sends.
    pub(super) others: Vec<&'t Member>,
}

impl<'t> Plan<'t> {
    pub(super) fn of(turn: &Turn<'_>, target: &'t Target, notes: &mut Notes) -> Self {
        let mut plan = Self {
            thinking: Thinking::Unsaid,
            max_tokens: max_tokens(turn, target, notes),
            member: None,
            output_config: None,
            others: Vec::new(),
        };
        for member in members(turn, target, notes) {
            match member.name.as_str() {
                "thinking" => plan.think(&member.json, turn, target, notes),
                "output_config" => plan.output_config = Some(&member.json),
                _ => plan.others.push(member),
            }
        }
        if plan.thinking == Thinking::Unsaid && target.default_effort == Some(Effort::None) {
            plan.thinking = Thinking::Off;
        }
        plan
    }

    /// The model is not asked to think after all, and gets no room for it.
    pub(super) fn leave_out(&mut self, turn: &Turn<'_>, target: &Target, notes: &mut Notes) {
        (self.thinking, self.member) = (Thinking::Off, None);
        self.max_tokens = max_tokens(turn, target, &mut Notes::default());
        notes.take_back(Code::MaxTokensRaised);
        notes.add(Code::ThinkingLeftOut, "reasoning.effort");
    }

    fn think(&mut self, json: &str, turn: &Turn<'_>, target: &Target, notes: &mut Notes) {
        let mut tape = Tape::default();
        let Ok(value) = tape.read(json) else { return };
        let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
        self.thinking = match kind.text().as_ref() {
            "disabled" => Thinking::Off,
            "enabled" => Thinking::Budget,
            _ => Thinking::Free,
        };
        let budget = value.get("budget_tokens").and_then(Value::as_u64);
        let Some(budget) = budget.filter(|_| self.thinking == Thinking::Budget) else {
            self.member = Some(json.to_owned());
            return;
        };
        match self.fit(budget, turn.settings.max_output_tokens, target, notes) {
            Some(fitting) if fitting == budget => self.member = Some(json.to_owned()),
            Some(fitting) => {
                let mut out = String::from("{");
                for (key, member) in value.members() {
                    if out.len() > 1 {
                        out.push(',');
                    }
                    out.push('"');
                    out.push_str(key.escaped());
                    out.push_str("\":");
                    match key.is("budget_tokens") {
                        true => out.push_str(itoa::Buffer::new().format(fitting)),
                        false => out.push_str(member.raw()),
                    }
                }
                out.push('}');
                self.member = Some(out);
            }
            None => {
                notes.add(Code::EffortIgnored, "reasoning.effort");
                self.thinking = Thinking::Unsaid;
            }
        }
    }

    /// The budget that fits below `max_tokens`, which is raised for it as far as the model can
    /// write. None where even the least does not fit.
    fn fit(
        &mut self,
        budget: u64,
        asked: Option<u64>,
        target: &Target,
        notes: &mut Notes,
    ) -> Option<u64> {
        let budget = budget.max(LEAST_BUDGET);
        let asked = asked.map(|asked| asked.min(self.max_tokens));
        let room = asked.unwrap_or(ROOM);
        // Who says how long the answer may be has decided, as long as something remains for it.
        if asked.is_some_and(|asked| asked > budget)
            || self.max_tokens >= budget.saturating_add(room)
        {
            return Some(budget);
        }
        let limit = target.max_output_tokens.unwrap_or(u64::MAX);
        let wanted = budget.saturating_add(room).min(limit);
        if wanted > self.max_tokens {
            self.max_tokens = wanted;
            if asked.is_some() {
                notes.add(Code::MaxTokensRaised, "max_output_tokens");
            }
        }
        let most = self.max_tokens.checked_sub(1)?;
        let left = self.max_tokens.saturating_sub(room.min(ROOM));
        let fitting = left.clamp(LEAST_BUDGET, budget);
        if fitting > most {
            return None;
        }
        if fitting < budget {
            notes.add(Code::EffortMapped, "reasoning.effort");
        }
        Some(fitting)
    }
}

fn max_tokens(turn: &Turn<'_>, target: &Target, notes: &mut Notes) -> u64 {
    match (turn.settings.max_output_tokens, target.max_output_tokens) {
        (Some(asked), Some(limit)) if asked > limit => {
            notes.add(Code::MaxTokensClamped, "max_output_tokens");
            limit
        }
        (Some(asked), _) => asked,
        (None, limit) => limit.unwrap_or(DEFAULT_MAX_TOKENS),
    }
}

/// The members that the effort sends, and those that are always sent.
fn members<'t>(
    turn: &Turn<'_>,
    target: &'t Target,
    notes: &mut Notes,
) -> impl Iterator<Item = &'t Member> + use<'t> {
    let row = turn.settings.effort.and_then(|effort| match target.efforts.get(effort) {
        Some(row) => {
            if row.acts_as != effort {
                notes.add(Code::EffortMapped, "reasoning.effort");
            }
            Some(row)
        }
        None => {
            notes.add(Code::EffortIgnored, "reasoning.effort");
            None
        }
    });
    let members = row.map_or(&[][..], |row| &row.members);
    let overridden = move |name: &str| members.iter().any(|member| member.name == name);
    target.always.iter().filter(move |member| !overridden(&member.name)).chain(members)
}
