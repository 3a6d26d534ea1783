//! A TOML document whose every value knows where it stands, so that each complaint can name file,
//! line and column, and so that all complaints are found in one reading. It knows nothing of what
//! the document means. Start with [`Reader`], then [`Table`].

mod diagnostic;
mod nearest;
mod table;

pub use diagnostic::{Diagnostic, Severity, has_errors};
pub use nearest::nearest;
pub use table::{Node, Reader, Spot, Table, parse};
