//! An account whose password and home are known: root's, as servers see it that run in a mount
//! namespace with files of their own in `/etc`. The machine's own files stay as they are.

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

/// Mounts the account's files over the machine's, and becomes the program that follows.
const ENTER: &str = "for file in passwd shadow pam.d/sshd; \
                     do mount --bind \"$0/$file\" \"/etc/$file\" || exit; done; exec \"$@\"";
const PASSWORD_ONLY: &str = "auth requisite pam_unix.so nodelay\n\
                             account required pam_unix.so\n\
                             session required pam_unix.so\n";
/// Once the password was right; of Debian's libpam-google-authenticator.
const THEN_CODE: &str = "auth required pam_google_authenticator.so no_increment_hotp";
/// The secret and the first counter of the test values in RFC 4226, appendix D.
const AUTHENTICATOR: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n\" HOTP_COUNTER 1\n";

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
    /// The one-time codes that it takes if it wants them, in this order.
    pub const CODES: [&str; 4] = ["287082", "359152", "969429", "338314"];

    /// Makes the account, with a key that opens it; or none where nobody is let into a mount namespace.
    ///
    /// # Errors
    /// Anything else is in the way.
    pub async fn new() -> anyhow::Result<Option<Self>> {
        if !may_unshare().await? {
            return Ok(None);
        }
        // TinySSH takes no key from below a folder that anybody may write to, as /tmp is.
        let account = Self { dir: tempfile::Builder::new().prefix("account-").tempdir_in("/run")? };
        let home = account.home();
        fs::create_dir_all(home.join(".ssh"))?;
        for dir in [home.clone(), home.join(".ssh")] {
            fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
        }
        keygen(&account.key_path(), "ed25519", "").await?;
        let authorized = home.join(".ssh/authorized_keys");
        fs::copy(account.key_path().with_extension("pub"), &authorized)?;
        fs::set_permissions(authorized, fs::Permissions::from_mode(0o600))?;
        fs::create_dir_all(account.etc().join("pam.d"))?;
        let entry = format!("root:x:0:0:root:{}:/bin/bash", home.display());
        account.replace_root("passwd", &entry, 0o644)?;
        let entry = format!("root:{}:19000:0:99999:7:::", hash(Self::PASSWORD).await?);
        account.replace_root("shadow", &entry, 0o600)?;
        account.write_pam(PASSWORD_ONLY)?;
        let tried = account.command(Path::new("true")).output().await?;
        if !tried.status.success() {
            bail!("the account's files cannot be mounted: {}", String::from_utf8_lossy(&tried.stderr));
        }
        Ok(Some(account))
    }

    /// From now on PAM asks for the password and then for a code, which is shown as it is typed or not.
    ///
    /// # Errors
    /// The files cannot be written.
    pub fn require_codes(&self, echo: bool) -> anyhow::Result<()> {
        let secret = self.home().join(".google_authenticator");
        fs::write(&secret, AUTHENTICATOR)?;
        fs::set_permissions(secret, fs::Permissions::from_mode(0o600))?;
        let option = if echo { " echo_verification_code" } else { "" };
        self.write_pam(&format!("{PASSWORD_ONLY}{THEN_CODE}{option}\n"))
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
        command.args(["--mount", "sh", "-c", ENTER]).arg(self.etc()).arg(program);
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    fn etc(&self) -> PathBuf {
        self.dir.path().join("etc")
    }

    fn key_path(&self) -> PathBuf {
        self.dir.path().join("key")
    }

    /// A copy of the machine's file with another line for root.
    fn replace_root(&self, file: &str, entry: &str, mode: u32) -> anyhow::Result<()> {
        let machines = Path::new("/etc").join(file);
        let text = fs::read_to_string(&machines).with_context(|| machines.display().to_string())?;
        let others = text.lines().filter(|line| !line.starts_with("root:"));
        let lines: Vec<&str> = std::iter::once(entry).chain(others).collect();
        let path = self.etc().join(file);
        fs::write(&path, lines.join("\n") + "\n")?;
        Ok(fs::set_permissions(path, fs::Permissions::from_mode(mode))?)
    }

    fn write_pam(&self, text: &str) -> anyhow::Result<()> {
        Ok(fs::write(self.etc().join("pam.d/sshd"), text)?)
    }
}

/// Whether the machine lets whoever runs the tests have a mount namespace.
async fn may_unshare() -> anyhow::Result<bool> {
    let mut command = Command::new("unshare");
    let tried = command.args(["--mount", "true"]).env("LC_ALL", "C").output().await;
    let tried = tried.context("unshare does not start (Debian: util-linux)")?;
    let said = String::from_utf8_lossy(&tried.stderr);
    if !tried.status.success() && !said.contains("unshare failed: Operation not permitted") {
        bail!("{}", said.trim());
    }
    Ok(tried.status.success())
}

async fn hash(password: &str) -> anyhow::Result<String> {
    let output = Command::new("openssl").args(["passwd", "-6", password]).output().await;
    let output = output.context("openssl does not start (Debian: openssl)")?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
