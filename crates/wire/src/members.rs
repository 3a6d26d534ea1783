//! Members of a request as the types that they must have. `param` is written out only when there is
//! a fault.

use crate::fault::Fault;
use crate::json::{Escaped, Kind, Value};
use std::fmt::Display;

/// Demands a kind.
pub(crate) fn expect(value: Value<'_, '_>, kind: Kind, param: impl Display) -> Result<(), Fault> {
    if value.kind() == kind {
        Ok(())
    } else {
        Err(Fault::wrong_type(&param.to_string(), kind.name(), value.kind()))
    }
}

/// The content of a string.
pub(crate) fn string<'a>(value: Value<'_, 'a>, param: impl Display) -> Result<Escaped<'a>, Fault> {
    value.as_str().ok_or_else(|| Fault::wrong_type(&param.to_string(), "a string", value.kind()))
}

/// `true` or `false`.
pub(crate) fn boolean(value: Value<'_, '_>, param: impl Display) -> Result<bool, Fault> {
    value.as_bool().ok_or_else(|| Fault::wrong_type(&param.to_string(), "a boolean", value.kind()))
}

/// The longest number that a message quotes.
const MAX_QUOTED: usize = 24;

/// A whole number above zero.
pub(crate) fn positive(value: Value<'_, '_>, param: impl Display) -> Result<u64, Fault> {
    const WANTED: &str = "a positive whole number";
    match value.as_u64() {
        Some(number) if number > 0 => Ok(number),
        // Its type is right, so its value is what is wrong.
        _ if value.kind() == Kind::Number && value.raw().len() <= MAX_QUOTED => {
            let text = format!("`{param}` must be {WANTED}, not `{}`", value.raw());
            Err(Fault::bad_request(param.to_string(), text))
        }
        _ => Err(Fault::wrong_type(&param.to_string(), WANTED, value.kind())),
    }
}
