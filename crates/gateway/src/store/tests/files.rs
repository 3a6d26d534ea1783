use super::*;

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).expect("the file is there").permissions().mode() & 0o777
}

#[cfg(unix)]
#[tokio::test]
async fn the_database_and_the_files_beside_it_are_for_their_owner_alone() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("deep/home/quire.db");
    let store = Store::open(&path).await.unwrap();
    store.keys().add("laptop").await.unwrap();
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    for name in ["quire.db", "quire.db-wal", "quire.db-shm"] {
        assert_eq!(mode(&path.with_file_name(name)), 0o600, "{name}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn files_that_were_open_to_others_are_closed_to_them() {
    use std::os::unix::fs::PermissionsExt as _;
    let fixture = Fixture::new().await;
    fixture.store.keys().add("laptop").await.unwrap();
    let names = ["quire.db", "quire.db-wal", "quire.db-shm"];
    let open = std::fs::Permissions::from_mode(0o644);
    for name in names {
        std::fs::set_permissions(fixture.home.path().join(name), open.clone()).unwrap();
    }
    fixture.beside().await;
    for name in names {
        assert_eq!(mode(&fixture.home.path().join(name)), 0o600, "{name}");
    }
}

#[tokio::test]
async fn opening_again_keeps_what_is_there() {
    let fixture = Fixture::new().await;
    fixture.store.keys().add("laptop").await.unwrap();
    fixture.store.close().await;
    let again = fixture.beside().await;
    assert_eq!(again.keys().list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn processes_that_start_at_once_make_the_schema_once() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("quire.db");
    let open = || Store::open(&path);
    let (a, b, c, d) = tokio::join!(open(), open(), open(), open());
    for store in [a, b, c, d] {
        assert!(!store.unwrap().keys().any().await.unwrap());
    }
}

#[tokio::test]
async fn a_database_of_a_newer_quire_is_left_alone() {
    let fixture = Fixture::new().await;
    sqlx::query("PRAGMA user_version = 99").execute(&fixture.store.writer).await.unwrap();
    let refused = Store::open(&fixture.path()).await.unwrap_err();
    assert!(matches!(refused, Error::Newer { found: 99, .. }), "{refused}");
    assert!(refused.to_string().contains("newer quire"), "{refused}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named_and_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("quire.db");
    let text = "this is a letter, not a database. ".repeat(40);
    std::fs::write(&path, &text).unwrap();
    let refused = Store::open(&path).await.unwrap_err();
    assert!(matches!(refused, Error::NotADatabase(_)), "{refused}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("file"), "").unwrap();
    let refused = Store::open(&home.path().join("file/quire.db")).await.unwrap_err().to_string();
    assert!(refused.starts_with("cannot make the folder `"), "{refused}");
}
