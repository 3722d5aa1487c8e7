//! The file of host keys that this gateway has learnt: the only place that writes one.
//!
//! A reader sees the file before or after a change and nothing between; learners wait for each
//! other, so that no line is lost.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::Path,
};

use parking_lot::Mutex;
use russh::keys::PublicKey;
use tempfile::NamedTempFile;

use crate::known_hosts::{HostName, KnownHost, Verdict};

static LEARNING: Mutex<()> = Mutex::new(());

/// Remembers a host's key, unless somebody has learnt one for it meanwhile: the verdict is about
/// the file as it is now. Blocks.
///
/// # Errors
/// The file cannot be read or written.
pub(crate) fn learn(path: &Path, host: &HostName, key: &PublicKey) -> io::Result<Verdict> {
    let _turn = LEARNING.lock();
    let mut known = KnownHost::default();
    match known.add_file(path, host) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        read => read?,
    }
    match known.verdict(key.key_data()) {
        Verdict::Unknown => {}
        verdict => return Ok(verdict),
    }
    append(path, &line(host, key)?)?;
    Ok(Verdict::Known)
}

fn line(host: &HostName, key: &PublicKey) -> io::Result<String> {
    let key = PublicKey::new(key.key_data().clone(), "").to_openssh().map_err(io::Error::other)?;
    Ok(format!("{} {}\n", host.exact, key.trim_end()))
}

/// Replaces the file by itself and one more line.
fn append(path: &Path, line: &str) -> io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let mut text = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        read => read?,
    };
    if text.last().is_some_and(|last| *last != b'\n') {
        text.push(b'\n');
    }
    text.extend_from_slice(line.as_bytes());
    // Only its owner may read or write a named temporary file.
    let mut new = NamedTempFile::new_in(dir)?;
    new.write_all(&text)?;
    new.as_file().sync_all()?;
    new.persist(path).map_err(|error| error.error)?;
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt as _, thread};

    use russh::keys::{Algorithm, PrivateKey, key::safe_rng};

    use super::*;

    fn key() -> PublicKey {
        PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).unwrap().public_key().clone()
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_new_host_is_learnt_and_then_known() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state/deep/known_hosts");
        let (host, key, other) = (HostName::new("H", 2222), key(), key());
        assert_eq!(learn(&path, &host, &key).unwrap(), Verdict::Known);
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("[h]:2222 {}\n", key.to_openssh().unwrap()));
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(learn(&path, &host, &key).unwrap(), Verdict::Known);
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1);
        let changed = Verdict::Changed { place: format!("{}:1", path.display()) };
        assert_eq!(learn(&path, &host, &other).unwrap(), changed);
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(learn(&file.join("known_hosts"), &HostName::new("h", 22), &key()).is_err());
    }

    #[test]
    fn what_stood_there_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("known_hosts");
        fs::write(&path, "# mine\nbad line").unwrap();
        let key = key();
        learn(&path, &HostName::new("h", 22), &key).unwrap();
        let expected = format!("# mine\nbad line\nh {}\n", key.to_openssh().unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    }

    #[test]
    fn learners_at_the_same_time_lose_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("known_hosts");
        let keys: Vec<PublicKey> = (0..32).map(|_| key()).collect();
        thread::scope(|scope| {
            for (n, key) in keys.iter().enumerate() {
                let path = &path;
                scope.spawn(move || learn(path, &HostName::new(&format!("h{n}"), 22), key).unwrap());
            }
        });
        for (n, key) in keys.iter().enumerate() {
            let mut known = KnownHost::default();
            known.add_file(&path, &HostName::new(&format!("h{n}"), 22)).unwrap();
            assert_eq!(known.verdict(key.key_data()), Verdict::Known, "h{n}");
        }
        let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert_eq!(left, ["known_hosts"]);
    }

    #[test]
    fn of_two_keys_for_one_host_only_the_first_is_learnt() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("known_hosts");
        let verdicts: Vec<Verdict> = thread::scope(|scope| {
            let learners: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| learn(&path, &HostName::new("h", 22), &key()).unwrap()))
                .collect();
            learners.into_iter().map(|learner| learner.join().unwrap()).collect()
        });
        assert_eq!(verdicts.iter().filter(|verdict| **verdict == Verdict::Known).count(), 1);
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1);
    }
}
