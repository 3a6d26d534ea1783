//! Client keys: who may call this gateway. A key is shown once, when it is made; what is kept is
//! its hash. Whether a call needs a key at all is decided elsewhere.

use std::fmt;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{Error, Result, Store, failed, new_id, now_ms};
use crate::private_file::random;

/// What every key begins with, so that scanners and people recognize one.
pub(super) const PREFIX: &str = "qk_";
/// The prefix, and 32 random bytes in base64url.
pub(super) const KEY_LEN: usize = PREFIX.len() + 43;
const MAX_NAME_CHARS: usize = 64;

pub(super) type Hash = [u8; 32];

/// A client key as it is kept: without the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Key {
    pub id: String,
    pub name: String,
    pub created_ms: i64,
    pub last_used_ms: Option<i64>,
    pub revoked_ms: Option<i64>,
}

/// A key that was just made. This is the only time it can be seen.
pub struct NewKey {
    pub id: String,
    pub name: String,
    plaintext: String,
}

/// Why a key was not made or not revoked.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error(
        "there is already a key named `{0}`; choose another name, or run `quire key revoke {0}` first"
    )]
    NameTaken(String),
    #[error("a key cannot be named `{name}`: {reason}")]
    BadName { name: String, reason: &'static str },
    #[error("there is no key named `{0}`, nor with that id; `quire key list` shows them")]
    Unknown(String),
    #[error("the key `{0}` is already revoked")]
    AlreadyRevoked(String),
    #[error(transparent)]
    Store(#[from] Error),
}

/// The client keys of a store.
#[derive(Clone, Copy, Debug)]
pub struct Keys<'a>(&'a Store);

impl<'a> Keys<'a> {
    pub(super) fn new(store: &'a Store) -> Self {
        Self(store)
    }

    /// Makes a key. The name is for people, and unique among the keys that are not revoked.
    pub async fn add(self, name: &str) -> Result<NewKey, KeyError> {
        check_name(name)?;
        let plaintext = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random::<32>()));
        let id = new_id();
        let added =
            sqlx::query("INSERT INTO keys (id, name, hash, created_ms) VALUES (?, ?, ?, ?)")
                .bind(&id)
                .bind(name)
                .bind(hash(&plaintext).as_slice())
                .bind(now_ms())
                .execute(&self.0.writer)
                .await;
        match added {
            Ok(_) => {}
            Err(sqlx::Error::Database(refused)) if refused.is_unique_violation() => {
                return Err(KeyError::NameTaken(name.to_owned()));
            }
            Err(source) => return Err(failed("add a key")(source).into()),
        }
        self.0.make_durable().await?;
        Ok(NewKey { id, name: name.to_owned(), plaintext })
    }

    /// Every key, oldest first, revoked ones too.
    pub async fn list(self) -> Result<Vec<Key>> {
        let rows = sqlx::query(
            "SELECT id, name, created_ms, last_used_ms, revoked_ms FROM keys ORDER BY created_ms, id",
        )
        .fetch_all(&self.0.reader)
        .await
        .map_err(failed("list the keys"))?;
        Ok(rows.iter().map(read).collect())
    }

    /// Revokes the key with this name or id, for good.
    pub async fn revoke(self, name_or_id: &str) -> Result<Key, KeyError> {
        let revoked = sqlx::query(
            "UPDATE keys SET revoked_ms = ? WHERE (name = ? OR id = ?) AND revoked_ms IS NULL
             RETURNING id, name, created_ms, last_used_ms, revoked_ms",
        )
        .bind(now_ms())
        .bind(name_or_id)
        .bind(name_or_id)
        .fetch_optional(&self.0.writer)
        .await
        .map_err(failed("revoke a key"))?;
        if let Some(row) = revoked {
            self.0.make_durable().await?;
            return Ok(read(&row));
        }
        let dead = sqlx::query("SELECT 1 FROM keys WHERE name = ? OR id = ?")
            .bind(name_or_id)
            .bind(name_or_id)
            .fetch_optional(&self.0.writer)
            .await
            .map_err(failed("look for a key"))?;
        Err(match dead {
            Some(_) => KeyError::AlreadyRevoked(name_or_id.to_owned()),
            None => KeyError::Unknown(name_or_id.to_owned()),
        })
    }

    /// Whether there is a key that is not revoked.
    pub async fn any(self) -> Result<bool> {
        sqlx::query("SELECT EXISTS (SELECT 1 FROM keys WHERE revoked_ms IS NULL)")
            .fetch_one(&self.0.reader)
            .await
            .map(|row| row.get(0))
            .map_err(failed("look for a key"))
    }

    /// The keys that are not revoked, with their hashes.
    pub(super) async fn living(self) -> Result<Vec<(Key, Hash)>> {
        let rows = sqlx::query(
            "SELECT id, name, created_ms, last_used_ms, revoked_ms, hash FROM keys
             WHERE revoked_ms IS NULL",
        )
        .fetch_all(&self.0.reader)
        .await
        .map_err(failed("read the keys"))?;
        let with_hash = |row: &SqliteRow| {
            // A row with another length was not written by quire, and lets nobody in.
            let hash = row.get::<&[u8], _>("hash").try_into().ok()?;
            Some((read(row), hash))
        };
        Ok(rows.iter().filter_map(with_hash).collect())
    }

    /// Remembers when keys were last used; a later time that is already there stays.
    pub(super) async fn touch(self, used: &[(&str, i64)]) -> Result<()> {
        let failed = |source| failed("note when keys were used")(source);
        let mut transaction = self.0.writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        for (id, used_ms) in used {
            sqlx::query(
                "UPDATE keys SET last_used_ms = max(coalesce(last_used_ms, 0), ?) WHERE id = ?",
            )
            .bind(used_ms)
            .bind(*id)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }
}

impl NewKey {
    /// The key itself, to be shown once.
    pub fn expose(&self) -> &str {
        &self.plaintext
    }
}

impl fmt::Debug for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewKey")
            .field("id", &self.id)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

pub(super) fn hash(plaintext: &str) -> Hash {
    let digest = digest::digest(&digest::SHA256, plaintext.as_bytes());
    digest.as_ref().try_into().expect("a SHA-256 has 32 bytes")
}

fn check_name(name: &str) -> Result<(), KeyError> {
    let reason = if name.is_empty() {
        "it needs a name"
    } else if name.chars().count() > MAX_NAME_CHARS {
        "a name has at most 64 characters"
    } else if name.trim() != name || name.chars().any(char::is_control) {
        "a name has no space at its ends and no control characters"
    } else if name.starts_with(PREFIX) {
        // The name is shown in lists and logs, where a key pasted by mistake must not end up.
        return Err(KeyError::BadName {
            name: format!("{PREFIX}..."),
            reason: "it looks like a key; the name is a word that says who uses the key",
        });
    } else {
        return Ok(());
    };
    Err(KeyError::BadName { name: name.chars().take(MAX_NAME_CHARS).collect(), reason })
}

fn read(row: &SqliteRow) -> Key {
    Key {
        id: row.get("id"),
        name: row.get("name"),
        created_ms: row.get("created_ms"),
        last_used_ms: row.get("last_used_ms"),
        revoked_ms: row.get("revoked_ms"),
    }
}
