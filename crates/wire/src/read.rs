//! The closed world of what quire reads of answers. Each dialect has its rows, which name a member by
//! what it stands in; the tests try each.

/// Whether quire reads a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// It becomes this.
    Read(&'static str),
    /// It has no effect, and this is why.
    PassedOver(&'static str),
}
