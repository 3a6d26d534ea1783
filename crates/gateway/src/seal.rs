//! Sealing: what a target needs back on the next turn rides to the client inside
//! `encrypted_content`, readable by this installation alone and only for the provider and model it
//! came from. Nothing is kept here: the text itself is the only copy. Blobs made by an upstream are
//! never sealed nor opened; [`Sealer::fingerprint`] helps to remember who made them.

use std::fmt;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::{constant_time, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::private_file;

const FILE: &str = "seal-key";
const PREFIX: &str = "quire1.";
/// The most that one seal holds; the whole history comes back with every turn.
pub const MAX_LEN: usize = 8 * 1024 * 1024;

const BINDING_LEN: usize = 16;
const HEAD_LEN: usize = BINDING_LEN + NONCE_LEN;
const TAG_LEN: usize = 16;
const MAX_TEXT_LEN: usize = PREFIX.len() + (HEAD_LEN + MAX_LEN + TAG_LEN).div_ceil(3) * 4;

/// What is sealed. A seal of one kind does not open as another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What the model thought, for an upstream that wants it back.
    Reasoning,
    /// The summary that stands for a compacted history.
    Compaction,
}

impl Kind {
    /// Part of what the seal authenticates: a changed name makes old seals unreadable.
    const fn name(self) -> &'static str {
        match self {
            Self::Reasoning => "reasoning",
            Self::Compaction => "compaction",
        }
    }
}

/// Why a text was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Not a seal of quire; it may be the blob of an upstream.
    #[error("not sealed by quire")]
    NotOurs,
    /// A seal of quire for another provider or model, or by another installation.
    #[error("sealed by quire for another model, or with another `seal-key`")]
    Foreign,
    /// A seal of quire for this model that was damaged, or is of another kind.
    #[error("sealed by quire, but damaged on the way")]
    Broken,
}

/// What was to be sealed is larger than [`MAX_LEN`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} bytes are more than the {MAX_LEN} that one seal holds")]
pub struct TooLarge(pub usize);

/// Seals and opens with the key of this installation.
pub struct Sealer {
    content: RandomizedNonceKey,
    binding: hmac::Key,
    issuer: hmac::Key,
}

impl Sealer {
    /// Reads `$QUIRE_HOME/seal-key`, made on first use.
    pub fn load_or_create(home: &Path) -> Result<Self, private_file::Error> {
        private_file::read_or_create(&home.join(FILE), private_file::random::<32>)
            .map(|key| Self::new(&key))
    }

    /// A sealer with this key. Each purpose gets a key of its own, derived from it.
    pub fn new(key: &[u8; 32]) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, key);
        let derive = |purpose: &[u8]| hmac::sign(&root, purpose);
        let mac_key = |purpose: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, derive(purpose).as_ref());
        Self {
            content: RandomizedNonceKey::new(&AES_256_GCM, derive(b"quire1 content").as_ref())
                .expect("an HMAC-SHA-256 is as long as an AES-256 key"),
            binding: mac_key(b"quire1 binding"),
            issuer: mac_key(b"quire1 issuer"),
        }
    }

    /// Seals for one provider and model, such as `deepseek/deepseek-v4-pro`.
    pub fn seal(&self, kind: Kind, bound_to: &str, plaintext: &[u8]) -> Result<String, TooLarge> {
        if plaintext.len() > MAX_LEN {
            return Err(TooLarge(plaintext.len()));
        }
        let binding = short_mac(&self.binding, bound_to.as_bytes());
        let mut sealed = Vec::with_capacity(HEAD_LEN + plaintext.len() + TAG_LEN);
        sealed.extend_from_slice(&binding);
        sealed.extend_from_slice(&[0; NONCE_LEN]);
        sealed.extend_from_slice(plaintext);
        let (nonce, tag) = self
            .content
            .seal_in_place_separate_tag(aad(kind, bound_to), &mut sealed[HEAD_LEN..])
            .expect("sealing fails only beyond 64 GiB");
        sealed[BINDING_LEN..HEAD_LEN].copy_from_slice(nonce.as_ref());
        sealed.extend_from_slice(tag.as_ref());

        let mut text = String::with_capacity(PREFIX.len() + sealed.len().div_ceil(3) * 4);
        text.push_str(PREFIX);
        URL_SAFE_NO_PAD.encode_string(&sealed, &mut text);
        Ok(text)
    }

    /// Opens what [`seal`](Self::seal) made for the same kind, provider and model.
    pub fn open(&self, text: &str, kind: Kind, bound_to: &str) -> Result<Vec<u8>, SealError> {
        let encoded = text.strip_prefix(PREFIX).ok_or(SealError::NotOurs)?;
        if text.len() > MAX_TEXT_LEN {
            return Err(SealError::Broken);
        }
        let mut bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| SealError::Broken)?;
        let (head, sealed) = bytes.split_at_mut_checked(HEAD_LEN).ok_or(SealError::Broken)?;
        let (binding, nonce) = head.split_at(BINDING_LEN);

        // The binding is authenticated below as well. Its hash only tells a seal for another model,
        // which is dropped with a note, from damage.
        let expected = short_mac(&self.binding, bound_to.as_bytes());
        if constant_time::verify_slices_are_equal(binding, &expected).is_err() {
            return Err(SealError::Foreign);
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Broken)?;
        let opened = self
            .content
            .open_in_place(nonce, aad(kind, bound_to), sealed)
            .map_err(|_| SealError::Broken)?
            .len();
        bytes.copy_within(HEAD_LEN..HEAD_LEN + opened, 0);
        bytes.truncate(opened);
        Ok(bytes)
    }

    /// Whether the text looks like a seal of quire, by this installation or another.
    pub fn is_ours(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// A keyed hash, to remember who issued an upstream's blob without keeping the blob.
    pub fn fingerprint(&self, bytes: &[u8]) -> [u8; 16] {
        short_mac(&self.issuer, bytes)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(..)")
    }
}

/// What is authenticated beside the content. No kind has a zero byte in its name, so the two parts
/// cannot be confused.
fn aad(kind: Kind, bound_to: &str) -> Aad<Vec<u8>> {
    Aad::from([kind.name().as_bytes(), b"\0", bound_to.as_bytes()].concat())
}

fn short_mac(key: &hmac::Key, bytes: &[u8]) -> [u8; 16] {
    *hmac::sign(key, bytes).as_ref().first_chunk().expect("an HMAC-SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MODEL: &str = "deepseek/deepseek-v4-pro";

    fn sealer() -> Sealer {
        Sealer::new(&[7; 32])
    }

    #[test]
    fn a_seal_opens_only_for_the_model_it_was_made_for() {
        let text = sealer().seal(Kind::Reasoning, MODEL, b"because").unwrap();
        assert_eq!(sealer().open(&text, Kind::Reasoning, MODEL).unwrap(), b"because");
        let other = sealer().open(&text, Kind::Reasoning, "zhipu/glm-5");
        assert_eq!(other, Err(SealError::Foreign));
    }

    #[test]
    fn a_seal_of_another_installation_is_foreign() {
        let text = Sealer::new(&[8; 32]).seal(Kind::Reasoning, MODEL, b"because").unwrap();
        assert_eq!(sealer().open(&text, Kind::Reasoning, MODEL), Err(SealError::Foreign));
    }

    #[test]
    fn a_seal_does_not_open_as_another_kind() {
        let text = sealer().seal(Kind::Reasoning, MODEL, b"because").unwrap();
        assert_eq!(sealer().open(&text, Kind::Compaction, MODEL), Err(SealError::Broken));
    }

    #[test]
    fn blobs_of_upstreams_are_not_ours() {
        for blob in ["", "gAAAAABo0", "quire1", "quire2.AAAA", " quire1.AAAA"] {
            let opened = sealer().open(blob, Kind::Reasoning, MODEL);
            assert_eq!(opened, Err(SealError::NotOurs), "{blob}");
        }
    }

    #[test]
    fn a_cut_seal_is_broken_wherever_it_is_cut() {
        let text = sealer().seal(Kind::Reasoning, MODEL, b"because").unwrap();
        for end in PREFIX.len()..text.len() {
            let opened = sealer().open(&text[..end], Kind::Reasoning, MODEL);
            assert_eq!(opened, Err(SealError::Broken), "cut at {end}");
        }
    }

    #[test]
    fn two_seals_of_the_same_content_differ() {
        let seal = || sealer().seal(Kind::Reasoning, MODEL, b"because").unwrap();
        assert_ne!(seal(), seal());
    }

    #[test]
    fn the_largest_content_opens_and_one_byte_more_is_refused() {
        let mut content = vec![b'x'; MAX_LEN];
        let text = sealer().seal(Kind::Compaction, MODEL, &content).unwrap();
        assert!(text.len() <= MAX_TEXT_LEN);
        assert!(sealer().open(&text, Kind::Compaction, MODEL).unwrap() == content);
        content.push(b'x');
        let refused = sealer().seal(Kind::Compaction, MODEL, &content);
        assert_eq!(refused, Err(TooLarge(MAX_LEN + 1)));
        let long = format!("{PREFIX}{}", "A".repeat(MAX_TEXT_LEN));
        assert_eq!(sealer().open(&long, Kind::Compaction, MODEL), Err(SealError::Broken));
    }

    #[test]
    fn the_key_survives_a_restart() {
        let home = tempfile::tempdir().unwrap();
        let sealer = || Sealer::load_or_create(home.path()).unwrap();
        let text = sealer().seal(Kind::Reasoning, MODEL, b"because").unwrap();
        assert_eq!(sealer().open(&text, Kind::Reasoning, MODEL).unwrap(), b"because");
        assert_eq!(sealer().fingerprint(b"blob"), sealer().fingerprint(b"blob"));
    }

    /// A seal made by an earlier release: conversations outlive updates.
    #[test]
    fn the_format_stays() {
        let text = "quire1.xkDpRdlP9P8NR-Pp9CpUp7m9oxWe7rKQZQ6ZvzH9_9C4FQoo5xZO0LdTIjI21D9uNTlv";
        assert_eq!(sealer().open(text, Kind::Reasoning, MODEL).unwrap(), b"because");
    }

    #[test]
    fn fingerprints_depend_on_the_key_and_the_bytes() {
        let one = sealer().fingerprint(b"blob");
        assert_ne!(one, sealer().fingerprint(b"blob2"));
        assert_ne!(one, Sealer::new(&[8; 32]).fingerprint(b"blob"));
    }

    #[test]
    fn a_sealer_can_be_shared_and_is_not_printed() {
        fn shared<T: Send + Sync>(_: &T) {}
        shared(&sealer());
        assert_eq!(format!("{:?}", sealer()), "Sealer(..)");
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_again(
            content in proptest::collection::vec(any::<u8>(), 0..2000),
            bound_to in any::<String>(),
        ) {
            let text = sealer().seal(Kind::Compaction, &bound_to, &content).unwrap();
            prop_assert!(text[PREFIX.len()..].bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            prop_assert_eq!(sealer().open(&text, Kind::Compaction, &bound_to).unwrap(), content);
        }

        #[test]
        fn any_changed_bit_fails(
            content in proptest::collection::vec(any::<u8>(), 0..200),
            at in any::<prop::sample::Index>(),
            bit in 0..8u32,
        ) {
            let text = sealer().seal(Kind::Reasoning, MODEL, &content).unwrap();
            let mut bytes = URL_SAFE_NO_PAD.decode(&text[PREFIX.len()..]).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let changed = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
            prop_assert!(sealer().open(&changed, Kind::Reasoning, MODEL).is_err());
        }

        #[test]
        fn any_changed_character_fails(at in any::<prop::sample::Index>(), to in any::<char>()) {
            let text = sealer().seal(Kind::Reasoning, MODEL, b"because it is so").unwrap();
            let at = at.index(text.len());
            let changed = format!("{}{to}{}", &text[..at], &text[at + 1..]);
            prop_assume!(changed != text);
            prop_assert!(sealer().open(&changed, Kind::Reasoning, MODEL).is_err());
        }

        #[test]
        fn arbitrary_text_never_panics(text in any::<String>(), ours in any::<bool>()) {
            let text = if ours { format!("{PREFIX}{text}") } else { text };
            prop_assert!(sealer().open(&text, Kind::Reasoning, MODEL).is_err());
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
            prop_assert!(sealer().open(&text, Kind::Reasoning, MODEL).is_err());
        }
    }
}
