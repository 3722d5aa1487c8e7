//! API tokens as an operator writes them: `NAME=TOKEN`. No error shows any part of a token.

use std::{
    collections::HashSet,
    fs::{File, Metadata},
    io::Read,
    os::unix::fs::PermissionsExt,
};

use secrecy::SecretString;

use super::read::path;
use crate::console::cause;

/// A named right to create sessions.
pub(crate) struct ApiToken {
    /// The name, for logs.
    pub(crate) name: String,
    /// What its bearer shows.
    pub(crate) token: SecretString,
}

/// Fewer characters could be guessed.
const SHORTEST: usize = 16;
const LONGEST: usize = 512;
const LONGEST_NAME: usize = 64;
/// More than a thousand tokens is no token file.
const LARGEST_FILE: u64 = 1 << 20;

/// Tokens from values that were written one by one.
pub(super) fn from_list(values: &[String]) -> Result<Vec<ApiToken>, String> {
    values.iter().map(|value| token(value)).collect()
}

/// Tokens from a file: one a line; empty lines and lines that begin with `#` say nothing.
pub(super) fn from_file(text: &str) -> Result<Vec<ApiToken>, String> {
    let file = path(text)?;
    // Somebody may have given a token for a file's name.
    let shown = if text.contains('=') { "the file" } else { text };
    let unreadable = |error| format!("{shown} cannot be read: {}", cause(&error));
    let file = File::open(file).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(format!("{text} is not a file"));
    }
    if others_may_read(&metadata) {
        return Err(open_to_others(text));
    }
    if metadata.len() > LARGEST_FILE {
        return Err(format!("{text} is larger than a token file can be (1 MiB)"));
    }
    let mut lines = String::new();
    file.take(LARGEST_FILE).read_to_string(&mut lines).map_err(unreadable)?;
    let mut tokens = Vec::new();
    for (number, line) in lines.lines().map(str::trim).enumerate() {
        if !line.is_empty() && !line.starts_with('#') {
            tokens.push(token(line).map_err(|error| format!("{text} line {}: {error}", number + 1))?);
        }
    }
    if tokens.is_empty() { Err(format!("{text} has no token in it")) } else { Ok(tokens) }
}

/// Whether the file's mode lets anybody but its owner read or change it.
pub(super) fn others_may_read(metadata: &Metadata) -> bool {
    metadata.permissions().mode() & 0o066 != 0
}

/// The sentence for such a file.
pub(super) fn open_to_others(path: &str) -> String {
    format!("{path} holds API tokens and others may read or change it: run chmod 600 {path}")
}

/// Logs tell tokens apart by name.
pub(super) fn names_are_unique(tokens: &[ApiToken]) -> Result<(), String> {
    let mut seen = HashSet::new();
    match tokens.iter().find(|token| !seen.insert(&token.name)) {
        Some(token) => Err(format!("two API tokens have the name {}", token.name)),
        None => Ok(()),
    }
}

fn token(text: &str) -> Result<ApiToken, String> {
    let Some((name, token)) = text.split_once('=') else {
        return Err("an API token is written NAME=TOKEN, and there is no = in it".to_owned());
    };
    let (name, token) = (name.trim(), token.trim());
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(plain) {
        return Err("the name of an API token is 1 to 64 of the characters A-Z a-z 0-9 - . _".to_owned());
    }
    if !(SHORTEST..=LONGEST).contains(&token.len()) {
        return Err(format!(
            "the API token {name} has {} characters and must have {SHORTEST} to {LONGEST}: openssl rand -hex 32 \
             makes a good one",
            token.chars().count()
        ));
    }
    // RFC 6750, section 2.1: what can stand behind `Bearer`.
    if !token.chars().all(|c| plain(c) || "~+/=".contains(c)) {
        return Err(format!("the API token {name} may only have the characters A-Z a-z 0-9 - . _ ~ + / ="));
    }
    Ok(ApiToken { name: name.to_owned(), token: SecretString::from(token) })
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

    use secrecy::ExposeSecret;

    use super::*;

    const GOOD: &str = "0123456789abcdef";

    fn file(directory: &Path, mode: u32, lines: &str) -> String {
        let path = directory.join("tokens");
        let mut file =
            fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&path).expect("created");
        // The process's umask may have taken bits away.
        file.set_permissions(fs::Permissions::from_mode(mode)).expect("mode");
        file.write_all(lines.as_bytes()).expect("written");
        path.display().to_string()
    }

    #[test]
    fn a_file_has_a_token_on_each_line() {
        let directory = tempfile::tempdir().expect("directory");
        let path = file(directory.path(), 0o600, &format!("# portals\n\nvm-lab = {GOOD}==\r\nci={GOOD}\n"));
        let tokens = from_file(&path).unwrap_or_else(|error| panic!("{error}"));
        let pairs: Vec<_> = tokens.iter().map(|t| (t.name.as_str(), t.token.expose_secret())).collect();
        assert_eq!(pairs, [("vm-lab", "0123456789abcdef=="), ("ci", GOOD)]);
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        for mode in [0o640, 0o604, 0o620, 0o602] {
            let directory = tempfile::tempdir().expect("directory");
            let path = file(directory.path(), mode, &format!("ci={GOOD}\n"));
            let error = from_file(&path).err().expect("refused");
            assert!(error.ends_with(&format!("run chmod 600 {path}")), "{mode:o}: {error}");
        }
    }

    #[test]
    fn a_bad_line_is_named_and_not_shown() {
        let directory = tempfile::tempdir().expect("directory");
        let path = file(directory.path(), 0o600, "# one\nci=sesame\n");
        let error = from_file(&path).err().expect("refused");
        assert!(error.starts_with(&format!("{path} line 2: the API token ci has 6 characters")), "{error}");
        assert!(!error.contains("sesame"));
    }

    #[test]
    fn what_is_no_token_file_is_refused() {
        let directory = tempfile::tempdir().expect("directory");
        let empty = file(directory.path(), 0o600, "# nothing\n");
        let here = directory.path().display().to_string();
        assert_eq!(from_file(&empty).err(), Some(format!("{empty} has no token in it")));
        assert_eq!(from_file(&here).err(), Some(format!("{here} is not a file")));
        assert_eq!(
            from_file(&format!("{here}/none")).err(),
            Some(format!("{here}/none cannot be read: no such file or directory"))
        );
    }

    #[test]
    fn bad_tokens_are_refused_without_being_shown() {
        for (text, sentence) in [
            ("sesame-opens-the-door", "no = in it"),
            ("=sesame-opens-the-door", "the name of an API token"),
            ("a b=sesame-opens-the-door", "the name of an API token"),
            ("ci=sesame", "has 6 characters"),
            ("ci=sesame opens the door", "may only have the characters"),
            ("ci=sesame-öffnet-das-tor", "may only have the characters"),
        ] {
            let error = token(text).err().expect(text);
            assert!(error.contains(sentence), "{text}: {error}");
            assert!(!error.contains("sesame"), "{text}: {error}");
        }
    }

    #[test]
    fn names_must_differ() {
        let tokens = |names: &[&str]| {
            names.iter().map(|n| token(&format!("{n}={GOOD}")).ok()).collect::<Option<Vec<_>>>()
        };
        assert_eq!(names_are_unique(&tokens(&["a", "b"]).expect("valid")), Ok(()));
        let error = names_are_unique(&tokens(&["a", "b", "a"]).expect("valid")).expect_err("refused");
        assert_eq!(error, "two API tokens have the name a");
    }
}
