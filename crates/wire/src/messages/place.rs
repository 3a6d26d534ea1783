//! Where a value stands in a request, in Anthropic's way of writing it: `messages.3.content.0`.
//! It is a chain on the stack, and is written out only for a fault.

use crate::fault::Fault;
use crate::json::{Escaped, Kind, Value};
use crate::members::string;
use std::fmt;

/// A place, as a step below another one.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    above: Option<&'p Place<'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy)]
enum Step<'p> {
    Member(&'p str),
    Element(usize),
}

impl<'p> Place<'p> {
    /// A member of the request itself.
    pub(super) const fn of(name: &'p str) -> Self {
        Self { above: None, step: Step::Member(name) }
    }

    pub(super) const fn member(&'p self, name: &'p str) -> Self {
        Self { above: Some(self), step: Step::Member(name) }
    }

    pub(super) const fn element(&'p self, index: usize) -> Self {
        Self { above: Some(self), step: Step::Element(index) }
    }

    /// The fault of a member that must be there and is not.
    pub(super) fn missing(&self) -> Fault {
        Fault::bad_request(self.to_string(), format!("{self}: Field required"))
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(above) = self.above {
            write!(f, "{above}.")?;
        }
        match self.step {
            Step::Member(name) => f.write_str(name),
            Step::Element(index) => write!(f, "{index}"),
        }
    }
}

/// The member `name` of `value`, which must be there.
pub(super) fn required<'t, 'a>(
    value: Value<'t, 'a>,
    name: &str,
    place: &Place<'_>,
) -> Result<Value<'t, 'a>, Fault> {
    let found = value.get(name).and_then(Value::non_null);
    found.ok_or_else(|| place.member(name).missing())
}

/// The string `name` of `value`, which must be there.
pub(super) fn text<'a>(
    value: Value<'_, 'a>,
    name: &str,
    place: &Place<'_>,
) -> Result<Escaped<'a>, Fault> {
    string(required(value, name, place)?, place.member(name))
}

/// The string `name` of `value`, if there is one.
pub(super) fn optional<'a>(value: Value<'_, 'a>, name: &str) -> Option<Escaped<'a>> {
    value.get(name).and_then(Value::as_str)
}

/// Demands an object.
pub(super) fn object(value: Value<'_, '_>, place: &Place<'_>) -> Result<(), Fault> {
    crate::members::expect(value, Kind::Object, place)
}
