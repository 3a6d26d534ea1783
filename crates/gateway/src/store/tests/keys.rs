use std::sync::Arc;
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::*;

#[tokio::test]
async fn a_key_is_shown_once_and_kept_only_as_a_hash() {
    let fixture = Fixture::new().await;
    let new = fixture.store.keys().add("laptop").await.unwrap();
    assert!(new.expose().starts_with("qk_"));
    assert_eq!(new.expose().len(), 46);
    assert!(!format!("{new:?}").contains(new.expose()));
    fixture.store.close().await;
    let secret = &new.expose().as_bytes()[3..];
    for entry in std::fs::read_dir(fixture.home.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    }
}

#[tokio::test]
async fn keys_are_listed_oldest_first_and_revoked_by_name_or_id() {
    let fixture = Fixture::new().await;
    let keys = fixture.store.keys();
    assert!(!keys.any().await.unwrap());
    keys.add("laptop").await.unwrap();
    let desk = keys.add("desk").await.unwrap();
    let names: Vec<_> = keys.list().await.unwrap().into_iter().map(|key| key.name).collect();
    assert_eq!(names, ["laptop", "desk"]);

    assert!(keys.revoke("laptop").await.unwrap().revoked_ms.is_some());
    assert!(keys.any().await.unwrap());
    assert_eq!(keys.revoke(&desk.id).await.unwrap().name, "desk");
    assert!(!keys.any().await.unwrap());
    assert_eq!(keys.list().await.unwrap().len(), 2, "revoked keys stay in the list");
}

#[tokio::test]
async fn a_name_belongs_to_one_living_key() {
    let fixture = Fixture::new().await;
    let keys = fixture.store.keys();
    let first = keys.add("laptop").await.unwrap();
    let taken = keys.add("laptop").await.unwrap_err();
    assert_eq!(
        taken.to_string(),
        "there is already a key named `laptop`; choose another name, or run `quire key revoke laptop` first"
    );
    keys.revoke("laptop").await.unwrap();
    let second = keys.add("laptop").await.unwrap();
    assert_ne!(first.id, second.id);
    assert_eq!(keys.revoke("laptop").await.unwrap().id, second.id);
}

#[tokio::test]
async fn revoking_what_is_unknown_or_revoked_says_which() {
    let fixture = Fixture::new().await;
    let keys = fixture.store.keys();
    keys.add("laptop").await.unwrap();
    keys.revoke("laptop").await.unwrap();
    let again = keys.revoke("laptop").await.unwrap_err();
    assert_eq!(again.to_string(), "the key `laptop` is already revoked");
    let unknown = keys.revoke("desk").await.unwrap_err();
    assert!(unknown.to_string().starts_with("there is no key named `desk`"), "{unknown}");
}

#[tokio::test]
async fn names_that_would_mislead_are_refused() {
    let fixture = Fixture::new().await;
    let keys = fixture.store.keys();
    let long = "x".repeat(65);
    for name in ["", " laptop", "laptop\n", "a\u{1b}[2Jb", &long] {
        let refused = keys.add(name).await.unwrap_err();
        assert!(matches!(refused, KeyError::BadName { .. }), "{name:?}: {refused}");
    }
    let pasted = keys.add("qk_pasted-by-mistake").await.unwrap_err().to_string();
    assert!(!pasted.contains("pasted-by-mistake"), "{pasted}");
    keys.add(&"é".repeat(64)).await.unwrap();
}

#[tokio::test]
async fn the_ring_lets_in_living_keys_and_nothing_else() {
    let fixture = Fixture::new().await;
    let keys = fixture.store.keys();
    let laptop = keys.add("laptop").await.unwrap();
    let desk = keys.add("desk").await.unwrap();
    keys.revoke("desk").await.unwrap();
    let ring = KeyRing::load(&fixture.store).await.unwrap();
    assert_eq!(ring.verify(laptop.expose()).unwrap().key_name, "laptop");
    assert!(!ring.is_empty());

    let mut last_changed = laptop.expose().to_owned();
    let last = if last_changed.pop() == Some('A') { 'B' } else { 'A' };
    last_changed.push(last);
    let padded = format!("{} ", laptop.expose());
    for wrong in ["", "qk_", "sk-other", &laptop.id, desk.expose(), &last_changed, &padded] {
        assert!(ring.verify(wrong).is_none());
    }
}

#[tokio::test]
async fn a_key_made_or_revoked_by_another_process_counts_within_five_seconds() {
    let fixture = Fixture::new().await;
    let ring = KeyRing::load(&fixture.store).await.unwrap();
    assert!(ring.is_empty());
    let stop = CancellationToken::new();
    let task = tokio::spawn(Arc::clone(&ring).keep_fresh(stop.clone()));

    let other = fixture.beside().await;
    let new = other.keys().add("laptop").await.unwrap();
    let began = Instant::now();
    wait_until(|| ring.verify(new.expose()).is_some()).await;
    assert!(began.elapsed() < Duration::from_secs(5));

    other.keys().revoke("laptop").await.unwrap();
    let began = Instant::now();
    wait_until(|| ring.verify(new.expose()).is_none()).await;
    assert!(began.elapsed() < Duration::from_secs(5));
    stop.cancel();
    task.await.unwrap();
}

#[tokio::test]
async fn when_a_key_was_used_is_written_at_the_end_and_never_goes_back() {
    let fixture = Fixture::new().await;
    let new = fixture.store.keys().add("laptop").await.unwrap();
    let ring = KeyRing::load(&fixture.store).await.unwrap();
    let before = now_ms();
    ring.verify(new.expose()).unwrap();
    let stop = CancellationToken::new();
    stop.cancel();
    ring.keep_fresh(stop).await;
    let used = fixture.store.keys().list().await.unwrap()[0].last_used_ms.unwrap();
    assert!((before..=now_ms()).contains(&used));

    fixture.store.keys().touch(&[(&new.id, 5)]).await.unwrap();
    assert_eq!(fixture.store.keys().list().await.unwrap()[0].last_used_ms, Some(used));
}

#[tokio::test]
async fn a_ring_that_cannot_read_keeps_the_keys_it_had() {
    let fixture = Fixture::new().await;
    let new = fixture.store.keys().add("laptop").await.unwrap();
    let ring = KeyRing::load(&fixture.store).await.unwrap();
    fixture.store.close().await;
    ring.refresh().await.unwrap_err();
    assert!(ring.verify(new.expose()).is_some());
    assert!(KeyRing::load(&fixture.store).await.is_err());
}

/// Looks again and again; the caller's deadline says how long that may take.
async fn wait_until(mut is_so: impl FnMut() -> bool) {
    let mut look = tokio::time::interval(Duration::from_millis(10));
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() && Instant::now() < deadline {
        look.tick().await;
    }
}
