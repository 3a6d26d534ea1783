//! Files that only their owner may read: how they are made, and how the secrets of this machine
//! (the sealing key, the admin token) are kept in them. It decides nothing about what is inside, and
//! on systems without Unix modes it relies on the folder's own protection.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// Why a private file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot {doing} `{}`: {source}", path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
    #[error(
        "other users can read `{}` (mode {mode:04o}); run `chmod 600 {0}`, and delete the file \
         instead if somebody may have copied it: quire makes a new one",
        path.display()
    )]
    Exposed { path: PathBuf, mode: u32 },
    #[error(
        "`{}` holds {found} bytes where {expected} belong; restore it from a backup, or delete it \
         and quire makes a new one",
        path.display()
    )]
    WrongSize { path: PathBuf, found: u64, expected: usize },
    #[error(
        "`{}` does not hold what quire wrote into it; restore it from a backup, or delete it and \
         quire makes a new one",
        path.display()
    )]
    Malformed { path: PathBuf },
}

/// Makes the folder, and those above it, for the owner alone. A folder that is there stays as it is.
pub fn create_dir(path: &Path) -> Result<(), Error> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|source| Error::Io {
        doing: "make the folder",
        path: path.to_owned(),
        source,
    })
}

/// Makes the file if it is missing, and takes it away from everyone else if it is there.
pub fn ensure(path: &Path) -> Result<(), Error> {
    let failed = |doing| {
        let path = path.to_owned();
        move |source| Error::Io { doing, path, source }
    };
    let file = create_options().create(true).truncate(false).open(path).map_err(failed("open"))?;
    narrow(&file).map_err(failed("close to other users the file"))
}

/// Takes the file away from everyone else, if there is one.
pub fn narrow_if_present(path: &Path) -> Result<(), Error> {
    let narrowed = File::open(path).and_then(|file| narrow(&file));
    match narrowed {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(Error::Io { doing: "close to other users the file", path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// The `N` bytes of the file. On first use they come from `make`; of two processes that start at
/// once, both end with the same bytes.
pub fn read_or_create<const N: usize>(
    path: &Path,
    make: impl FnOnce() -> [u8; N],
) -> Result<[u8; N], Error> {
    if let Some(found) = read(path)? {
        return Ok(found);
    }
    if let Some(folder) = path.parent() {
        create_dir(folder)?;
    }
    publish(path, &make())?;
    read(path)?.ok_or_else(|| Error::Io {
        doing: "read back",
        path: path.to_owned(),
        source: io::ErrorKind::NotFound.into(),
    })
}

/// Random bytes for keys and ids, straight from the system: AWS-LC's own generator takes 30 ms to
/// start on each thread (measured), which the first request would have to wait for.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system's generator of random bytes does not fail");
    bytes
}

fn read<const N: usize>(path: &Path) -> Result<Option<[u8; N]>, Error> {
    let failed = |source| Error::Io { doing: "read", path: path.to_owned(), source };
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(failed(source)),
    };
    let metadata = file.metadata().map_err(failed)?;
    if let Some(mode) = exposed(&metadata) {
        return Err(Error::Exposed { path: path.to_owned(), mode });
    }
    if metadata.len() != N as u64 {
        let path = path.to_owned();
        return Err(Error::WrongSize { path, found: metadata.len(), expected: N });
    }
    let mut bytes = [0; N];
    file.read_exact(&mut bytes).map_err(failed)?;
    Ok(Some(bytes))
}

/// Writes beside the file, then links: a reader sees all bytes or no file, and whoever comes second
/// leaves the first one's file alone.
fn publish(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let suffix = u64::from_le_bytes(random());
    let draft = path.with_extension(format!("{suffix:016x}.new"));
    let written = create_options().create_new(true).open(&draft).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let published = written.and_then(|()| match fs::hard_link(&draft, path) {
        Err(linked) if linked.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // Some file systems know no links. There a rename could replace the file of a process that
        // started in the same moment, so it is only the second choice.
        Err(_) if !path.exists() => fs::rename(&draft, path),
        other => other,
    });
    // After a rename there is no draft left, after a failure nobody needs it.
    fs::remove_file(&draft).ok();
    published.map_err(|source| Error::Io { doing: "write", path: path.to_owned(), source })
}

fn create_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(unix)]
fn exposed(metadata: &fs::Metadata) -> Option<u32> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn exposed(_: &fs::Metadata) -> Option<u32> {
    None
}

#[cfg(unix)]
fn narrow(file: &File) -> io::Result<()> {
    match exposed(&file.metadata()?) {
        Some(_) => file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600)),
        None => Ok(()),
    }
}

#[cfg(not(unix))]
fn narrow(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Barrier;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("the file is there").permissions().mode() & 0o777
    }

    #[test]
    fn first_use_makes_a_private_file_in_a_private_folder_and_later_uses_read_it() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("deep/home/some-key");
        let first = read_or_create(&path, random::<32>).unwrap();
        assert_eq!(read_or_create(&path, || [0; 32]).unwrap(), first);
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        let beside = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(beside, 1, "no draft is left behind");
    }

    #[test]
    fn processes_that_start_at_once_agree_on_one_key() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("some-key");
        let barrier = Barrier::new(8);
        let keys: Vec<[u8; 32]> = std::thread::scope(|scope| {
            let start = || {
                barrier.wait();
                read_or_create(&path, random::<32>).unwrap()
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_the_command_that_mends_it() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("some-key");
        fs::write(&path, [7; 32]).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        let refused = read_or_create(&path, random::<32>).unwrap_err().to_string();
        assert!(refused.contains("mode 0644"), "{refused}");
        assert!(refused.contains(&format!("`chmod 600 {}`", path.display())), "{refused}");
    }

    #[test]
    fn a_file_of_another_size_is_refused_and_kept() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("some-key");
        ensure(&path).unwrap();
        fs::write(&path, b"short").unwrap();
        let refused = read_or_create(&path, random::<32>).unwrap_err().to_string();
        assert!(refused.contains("holds 5 bytes where 32 belong"), "{refused}");
        assert_eq!(fs::read(&path).unwrap(), b"short");
    }

    #[test]
    fn ensure_narrows_what_was_open_and_keeps_what_was_inside() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("some.db");
        fs::write(&path, b"inside").unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o664)).unwrap();
        ensure(&path).unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(fs::read(&path).unwrap(), b"inside");
        narrow_if_present(&home.path().join("absent")).unwrap();
    }
}
