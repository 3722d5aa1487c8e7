//! A real OpenSSH server on a free loopback port, with its own keys and configuration.
//!
//! It reads nothing of the user's and leaves nothing behind. It takes keys only, unless it is given an
//! [`Account`] of its own.

use std::{
    fs, io,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, bail};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, ChildStderr, Command},
    sync::watch,
};

use crate::{
    Account,
    process::{self, ProcessId},
};

const PATIENCE: Duration = Duration::from_secs(10);
/// A bash that sshd starts reads `.bashrc`, even for `-c`, unless it seems to run inside another shell.
const NO_BASHRC: &str = "SetEnv SHLVL=1";

/// What differs from one server to another.
#[derive(Clone, Debug)]
pub struct SshdConfig {
    /// The command of every session, or none for the account's shell; [`BASH`](Self::BASH) by default.
    pub force_command: Option<String>,
    /// Further lines of `sshd_config`, such as `Ciphers aes256-ctr`; they win over what is usual here.
    pub extra: Vec<String>,
    /// The type of the host key, for `ssh-keygen -t`.
    pub host_key_type: String,
    /// sshd's log level.
    pub log_level: String,
    /// The account that it sees, whose password is known; else the machine's own.
    pub account: Option<Arc<Account>>,
    /// A fixed port, to come back where another server was; a free one by default.
    pub port: Option<u16>,
}

impl SshdConfig {
    /// A bash that reads no start-up files and prompts with `$ `.
    pub const BASH: &str = "exec env PS1='$ ' HISTFILE=/dev/null LC_ALL=C.UTF-8 bash --norc --noprofile -i";
}

impl Default for SshdConfig {
    fn default() -> Self {
        Self {
            force_command: Some(Self::BASH.to_owned()),
            extra: Vec::new(),
            host_key_type: "ed25519".to_owned(),
            log_level: "VERBOSE".to_owned(),
            account: None,
            port: None,
        }
    }
}

/// A running server; dropping it ends it and its sessions.
pub struct Sshd {
    dir: TempDir,
    process: Child,
    port: u16,
    username: String,
    log: Log,
    /// Its files are there for as long as the server.
    _account: Option<Arc<Account>>,
}

impl Sshd {
    /// Starts a server with a predictable bash.
    ///
    /// # Errors
    /// OpenSSH's server is not installed or does not start.
    pub async fn start() -> anyhow::Result<Self> {
        Self::with_config(SshdConfig::default()).await
    }

    /// Starts a server.
    ///
    /// # Errors
    /// OpenSSH's server is not installed or does not start.
    pub async fn with_config(config: SshdConfig) -> anyhow::Result<Self> {
        let dir = tempfile::Builder::new().prefix("sshd-").tempdir()?;
        keygen(&dir.path().join("host_key"), &config.host_key_type, "").await?;
        let client_key = dir.path().join("client_key");
        keygen(&client_key, "ed25519", "").await?;
        fs::copy(client_key.with_extension("pub"), dir.path().join("authorized_keys"))?;
        make_privilege_separation_dir()?;
        let username = user_name().await?;
        // The port is free when it is chosen; whoever takes it before sshd does costs one more try.
        for _ in 0..10 {
            let port = match config.port {
                Some(port) => port,
                None => TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port(),
            };
            let (process, log) = spawn(dir.path(), &config, port)?;
            if listens(log.clone()).await? {
                return Ok(Self { dir, process, port, username, log, _account: config.account });
            }
        }
        bail!("no free port for sshd")
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The account that [`client_key`](Self::client_key) opens: whoever runs the tests.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The host key as in a public key file: type, base64, comment.
    ///
    /// # Errors
    /// The file is gone.
    pub fn host_key_line(&self) -> io::Result<String> {
        Ok(fs::read_to_string(self.dir.path().join("host_key.pub"))?.trim().to_owned())
    }

    /// The host key's fingerprint, `SHA256:…`, in OpenSSH's own words.
    ///
    /// # Errors
    /// `ssh-keygen` fails.
    pub async fn fingerprint(&self) -> anyhow::Result<String> {
        let output = Command::new("ssh-keygen")
            .args(["-l", "-E", "sha256", "-f"])
            .arg(self.dir.path().join("host_key.pub"))
            .output()
            .await?;
        let text = String::from_utf8(output.stdout)?;
        text.split_ascii_whitespace().nth(1).map(str::to_owned).context("no fingerprint")
    }

    /// The text of an unencrypted private key that may log in.
    ///
    /// # Errors
    /// The file is gone.
    pub fn client_key(&self) -> io::Result<String> {
        fs::read_to_string(self.client_key_path())
    }

    /// The file of [`client_key`](Self::client_key), for OpenSSH's own client.
    #[must_use]
    pub fn client_key_path(&self) -> PathBuf {
        self.dir.path().join("client_key")
    }

    /// A new private key that may log in, made by `ssh-keygen -t <kind> <options>`, with its text.
    ///
    /// # Errors
    /// `ssh-keygen` fails.
    pub async fn new_client_key(
        &self,
        kind: &str,
        passphrase: &str,
        options: &[&str],
    ) -> anyhow::Result<String> {
        let path = tempfile::Builder::new().prefix("key-").tempfile_in(self.dir.path())?.path().to_owned();
        keygen_with(&path, kind, passphrase, options).await?;
        let mut known = fs::read_to_string(self.dir.path().join("authorized_keys"))?;
        known.push_str(&fs::read_to_string(path.with_extension("pub"))?);
        fs::write(self.dir.path().join("authorized_keys"), known)?;
        Ok(fs::read_to_string(path)?)
    }

    /// A directory of this server's, removed with it: for files of the test.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The processes of the connections that are open now.
    #[must_use]
    pub fn connections(&self) -> Vec<ProcessId> {
        self.process.id().map(process::children).unwrap_or_default()
    }

    /// Everything logged so far.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.log.borrow().clone()
    }

    /// Waits until a logged line contains `words`, and returns the line.
    ///
    /// # Errors
    /// None does within 10 s.
    pub async fn logged(&self, words: &str) -> anyhow::Result<String> {
        let mut log = self.log.clone();
        let find = |lines: &Vec<String>| lines.iter().find(|line| line.contains(words)).cloned();
        let seen = tokio::time::timeout(PATIENCE, log.wait_for(|lines| find(lines).is_some())).await;
        let line = seen.ok().and_then(Result::ok).and_then(|lines| find(&lines));
        line.with_context(|| format!("sshd never logged {words:?}, only {:#?}", self.log()))
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let Some(pid) = self.process.id() else { return };
        let connections = process::children(pid);
        for pid in std::iter::once(pid).chain(connections) {
            // Whoever has ended meanwhile needs no signal.
            let _ = process::signal(pid, Signal::TERM);
        }
    }
}

type Log = watch::Receiver<Vec<String>>;

fn spawn(dir: &Path, config: &SshdConfig, port: u16) -> anyhow::Result<(Child, Log)> {
    let file = dir.join("sshd_config");
    fs::write(&file, config_text(dir, config, port))?;
    let sshd = Path::new(sshd_path()?);
    let account = config.account.as_ref();
    let mut command = account.map_or_else(|| Command::new(sshd), |account| account.command(sshd));
    let mut child = command
        .args(["-D", "-e", "-f"])
        .arg(&file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("sshd does not start")?;
    let stderr = child.stderr.take().context("no stderr")?;
    let (lines, log) = watch::channel(Vec::new());
    tokio::spawn(collect(stderr, lines));
    Ok((child, log))
}

/// Whether sshd came up; it did not if somebody else has the port.
async fn listens(mut log: Log) -> anyhow::Result<bool> {
    let says = |lines: &[String], words: &str| lines.iter().any(|line| line.contains(words));
    let up = log.wait_for(|lines| says(lines, "Server listening on"));
    if let Ok(Ok(_)) = tokio::time::timeout(PATIENCE, up).await {
        return Ok(true);
    }
    let lines = log.borrow();
    if says(&lines, "Address already in use") {
        return Ok(false);
    }
    bail!("sshd does not start: {lines:#?}")
}

/// The first value of an option wins: what the test wants stands first.
fn config_text(dir: &Path, config: &SshdConfig, port: u16) -> String {
    let dir = dir.display();
    let mut lines = config.extra.clone();
    lines.push(format!(
        "Port {port}\nListenAddress 127.0.0.1\nHostKey {dir}/host_key\nPidFile none\n\
         AuthorizedKeysFile {dir}/authorized_keys\nUsePAM no\nStrictModes no\nUseDNS no\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n\
         PermitUserRC no\nPermitUserEnvironment no\nPrintMotd no\nPrintLastLog no\n\
         MaxStartups 1000\nMaxSessions 1000\n{NO_BASHRC}\nLogLevel {}",
        config.log_level
    ));
    lines.extend(config.force_command.as_ref().map(|command| format!("ForceCommand {command}")));
    lines.push(String::new());
    lines.join("\n")
}

async fn collect(stderr: ChildStderr, lines: watch::Sender<Vec<String>>) {
    let mut reader = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = reader.next_line().await {
        lines.send_modify(|lines| lines.push(line.trim_end().to_owned()));
    }
}

fn sshd_path() -> anyhow::Result<&'static str> {
    ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd", "/sbin/sshd"]
        .into_iter()
        .find(|path| Path::new(path).exists())
        .context("OpenSSH's server is not installed (Debian: openssh-server)")
}

/// sshd refuses to start as root without this directory, which a service manager makes at boot.
fn make_privilege_separation_dir() -> io::Result<()> {
    if rustix::process::geteuid().is_root() {
        fs::create_dir_all("/run/sshd")?;
    }
    Ok(())
}

async fn user_name() -> anyhow::Result<String> {
    let output = Command::new("id").arg("-un").output().await.context("id does not start")?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Makes a key pair with `ssh-keygen`: `path`, and `path.pub`.
///
/// # Errors
/// `ssh-keygen` is missing or fails.
pub async fn keygen(path: &Path, kind: &str, passphrase: &str) -> anyhow::Result<()> {
    keygen_with(path, kind, passphrase, &[]).await
}

async fn keygen_with(path: &Path, kind: &str, passphrase: &str, options: &[&str]) -> anyhow::Result<()> {
    let output = Command::new("ssh-keygen")
        .args(["-q", "-t", kind, "-N", passphrase, "-C", "test", "-f"])
        .arg(path)
        .args(options)
        .stdin(Stdio::null())
        .output()
        .await
        .context("ssh-keygen does not start (Debian: openssh-client)")?;
    if !output.status.success() {
        bail!("ssh-keygen: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}
