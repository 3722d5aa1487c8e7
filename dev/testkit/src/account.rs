//! An account whose password and home are known: root's, as servers see it that run in a mount
//! namespace with their own `/etc/passwd` and `/etc/shadow`. The machine's own files stay as they are.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, bail};
use tempfile::TempDir;
use tokio::process::Command;

use crate::sshd::keygen;

/// Mounts the files that come first, and becomes the program that follows.
const ENTER: &str =
    "mount --bind \"$1\" /etc/passwd && mount --bind \"$2\" /etc/shadow && shift 2 && exec \"$@\"";

/// The account; dropping it removes its files.
#[derive(Debug)]
pub struct Account {
    dir: TempDir,
}

impl Account {
    /// Its name.
    pub const NAME: &str = "root";
    /// Its password.
    pub const PASSWORD: &str = "correct horse battery staple";

    /// Makes the account, with a key that opens it.
    ///
    /// # Errors
    /// Only root may have namespaces, and not everywhere.
    pub async fn new() -> anyhow::Result<Self> {
        let account = Self { dir: tempfile::Builder::new().prefix("account-").tempdir()? };
        let home = account.home();
        fs::create_dir_all(home.join(".ssh"))?;
        for dir in [home.clone(), home.join(".ssh")] {
            fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
        }
        keygen(&account.key_path(), "ed25519", "").await?;
        let authorized = home.join(".ssh/authorized_keys");
        fs::copy(account.key_path().with_extension("pub"), &authorized)?;
        fs::set_permissions(authorized, fs::Permissions::from_mode(0o600))?;
        let entry = format!("root:x:0:0:root:{}:/bin/bash", home.display());
        account.replace_root("/etc/passwd", "passwd", &entry, 0o644)?;
        let entry = format!("root:{}:19000:0:99999:7:::", hash(Self::PASSWORD).await?);
        account.replace_root("/etc/shadow", "shadow", &entry, 0o600)?;
        let tried = account.command(Path::new("true")).status().await.context("unshare does not start")?;
        if !tried.success() {
            bail!("this machine lets nobody have a mount namespace");
        }
        Ok(account)
    }

    /// The text of a private key that opens the account.
    ///
    /// # Errors
    /// The file is gone.
    pub fn key(&self) -> std::io::Result<String> {
        fs::read_to_string(self.key_path())
    }

    /// A directory for files of a server's.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A program that sees the account.
    #[must_use]
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", ENTER, "sh"]);
        command.arg(self.dir.path().join("passwd")).arg(self.dir.path().join("shadow")).arg(program);
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    fn key_path(&self) -> PathBuf {
        self.dir.path().join("key")
    }

    /// A copy of the machine's file with another line for root.
    fn replace_root(&self, file: &str, copy: &str, entry: &str, mode: u32) -> anyhow::Result<()> {
        let text = fs::read_to_string(file).with_context(|| format!("{file}: the tests run as root"))?;
        let others = text.lines().filter(|line| !line.starts_with("root:"));
        let lines: Vec<&str> = std::iter::once(entry).chain(others).collect();
        let path = self.dir.path().join(copy);
        fs::write(&path, lines.join("\n") + "\n")?;
        Ok(fs::set_permissions(path, fs::Permissions::from_mode(mode))?)
    }
}

async fn hash(password: &str) -> anyhow::Result<String> {
    let output = Command::new("openssl").args(["passwd", "-6", password]).output().await?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
