//! The sealer, bound to one model: what a model thought is readable for that model alone.

use std::sync::Arc;

use wire::turn::{Opened, Sealed, Vault};

use crate::seal::{Kind, SealError, Sealer};

/// Summaries are for whoever goes on with the conversation.
const EVERY_MODEL: &str = "*";

/// Seals for one model.
#[derive(Clone, Debug)]
pub struct ModelVault {
    sealer: Arc<Sealer>,
    /// `provider/model`
    bound_to: String,
    /// What was sealed stays sealed.
    forgets: bool,
}

impl ModelVault {
    /// A vault for the model `bound_to`.
    pub fn new(sealer: Arc<Sealer>, bound_to: String) -> Self {
        Self { sealer, bound_to, forgets: false }
    }

    /// The same vault, which opens no reasoning if `forgets`: the upstream refused some of it.
    #[must_use]
    pub fn forgetful(self, forgets: bool) -> Self {
        Self { forgets, ..self }
    }

    fn place(&self, what: Sealed) -> (Kind, &str) {
        match what {
            Sealed::Reasoning => (Kind::Reasoning, &self.bound_to),
            Sealed::Compaction => (Kind::Compaction, EVERY_MODEL),
        }
    }
}

impl Vault for ModelVault {
    fn seal(&self, what: Sealed, plain: &str) -> String {
        let (kind, bound_to) = self.place(what);
        // What is too large to be sealed is left out: it would not come back either.
        self.sealer.seal(kind, bound_to, plain.as_bytes()).unwrap_or_default()
    }

    fn open(&self, what: Sealed, sealed: &str) -> Opened {
        if self.forgets && what == Sealed::Reasoning {
            return Opened::Foreign;
        }
        let (kind, bound_to) = self.place(what);
        match self.sealer.open(sealed, kind, bound_to) {
            Ok(plain) => String::from_utf8(plain).map_or(Opened::Foreign, Opened::Text),
            Err(SealError::NotOurs | SealError::Foreign | SealError::Broken) => Opened::Foreign,
        }
    }
}
