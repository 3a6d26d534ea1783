//! The token that the admin API asks for: one per installation, in `$QUIRE_HOME/admin-token`, so
//! that whoever can read the user's files can administer quire and nobody else can. It is never a
//! client key, and a client key never opens the admin API.

use std::fmt;
use std::path::Path;

use aws_lc_rs::constant_time;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::private_file::{self, Error};

const FILE: &str = "admin-token";
/// 32 random bytes in base64url, and a line end.
const FILE_LEN: usize = 43 + 1;

/// The admin token of this installation.
pub struct AdminToken(String);

impl AdminToken {
    /// Reads the token, made on first use.
    pub fn load_or_create(home: &Path) -> Result<Self, Error> {
        let path = home.join(FILE);
        let bytes: [u8; FILE_LEN] = private_file::read_or_create(&path, || {
            let mut line = [b'\n'; FILE_LEN];
            let written = URL_SAFE_NO_PAD
                .encode_slice(private_file::random::<32>(), &mut line)
                .expect("43 characters hold 32 bytes");
            debug_assert_eq!(written, FILE_LEN - 1);
            line
        })?;
        let token = std::str::from_utf8(&bytes).ok().and_then(|text| text.strip_suffix('\n'));
        let is_word = |token: &&str| URL_SAFE_NO_PAD.decode(token).is_ok();
        match token.filter(is_word) {
            Some(token) => Ok(Self(token.to_owned())),
            None => Err(Error::Malformed { path }),
        }
    }

    /// Whether this is the token; the time it takes says nothing about how much of it is right.
    pub fn matches(&self, presented: &str) -> bool {
        constant_time::verify_slices_are_equal(self.0.as_bytes(), presented.as_bytes()).is_ok()
    }

    /// The token itself, for the command line to send.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminToken(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_made_once_and_matches_only_itself() {
        let home = tempfile::tempdir().unwrap();
        let token = AdminToken::load_or_create(home.path()).unwrap();
        assert_eq!(token.expose().len(), 43);
        let again = AdminToken::load_or_create(home.path()).unwrap();
        assert!(again.matches(token.expose()));
        let other = AdminToken::load_or_create(tempfile::tempdir().unwrap().path()).unwrap();
        for wrong in ["", &token.expose()[1..], &format!("{}\n", token.expose()), other.expose()] {
            assert!(!token.matches(wrong));
        }
    }

    #[test]
    fn a_token_is_not_printed() {
        let home = tempfile::tempdir().unwrap();
        let token = AdminToken::load_or_create(home.path()).unwrap();
        assert_eq!(format!("{token:?}"), "AdminToken(..)");
    }

    #[test]
    fn a_garbled_token_file_is_refused() {
        let home = tempfile::tempdir().unwrap();
        AdminToken::load_or_create(home.path()).unwrap();
        let path = home.path().join(FILE);
        for garbled in [[0xff; FILE_LEN], [b' '; FILE_LEN], [b'A'; FILE_LEN]] {
            std::fs::write(&path, garbled).unwrap();
            let refused = AdminToken::load_or_create(home.path()).unwrap_err();
            assert!(matches!(refused, Error::Malformed { .. }), "{refused}");
        }
    }
}
