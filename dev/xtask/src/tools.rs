//! The programs that tests need besides cargo: finds them, installs them where it may, or names them.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::bail;

use crate::program::Program;

/// A program and the Debian package that has it.
pub(crate) struct Tool {
    program: &'static str,
    package: &'static str,
}

pub(crate) const CHROMIUM: Tool = Tool { program: "chromium", package: "chromium" };
pub(crate) const DROPBEAR: Tool = Tool { program: "dropbear", package: "dropbear-bin" };
pub(crate) const GOOGLE_AUTHENTICATOR: Tool =
    Tool { program: "google-authenticator", package: "libpam-google-authenticator" };
pub(crate) const HTOP: Tool = Tool { program: "htop", package: "htop" };
pub(crate) const LESS: Tool = Tool { program: "less", package: "less" };
pub(crate) const MC: Tool = Tool { program: "mc", package: "mc" };
pub(crate) const OPENSSL: Tool = Tool { program: "openssl", package: "openssl" };
pub(crate) const PUTTYGEN: Tool = Tool { program: "puttygen", package: "putty-tools" };
pub(crate) const SSH: Tool = Tool { program: "ssh", package: "openssh-client" };
pub(crate) const SSHD: Tool = Tool { program: "sshd", package: "openssh-server" };
pub(crate) const TINYSSHD: Tool = Tool { program: "tinysshd", package: "tinysshd" };
pub(crate) const TMUX: Tool = Tool { program: "tmux", package: "tmux" };
pub(crate) const VIM: Tool = Tool { program: "vim", package: "vim" };

impl Tool {
    fn is_installed(&self) -> bool {
        // Tests take the browser from this variable too.
        let named = env::var_os("CHROMIUM").filter(|_| self.program == CHROMIUM.program);
        named.is_some_and(|file| Path::new(&file).is_file()) || find(self.program).is_some()
    }
}

/// Makes sure that all of these are there.
///
/// # Errors
/// Some are not, and cannot be installed.
pub(crate) fn require<'a>(
    root: &Path,
    tools: &(impl Iterator<Item = &'a Tool> + Clone),
) -> anyhow::Result<()> {
    let missing = || tools.clone().filter(|tool| !tool.is_installed());
    let mut packages: Vec<&str> = missing().map(|tool| tool.package).collect();
    packages.sort_unstable();
    packages.dedup();
    if packages.is_empty() {
        return Ok(());
    }
    let packages = packages.join(" ");
    if !rustix::process::geteuid().is_root() || find("apt-get").is_none() {
        bail!("the tests need what these Debian packages have: {packages}");
    }
    Program::new(root, "apt-get update --quiet").run()?;
    let install = format!("apt-get install --quiet --yes --no-install-recommends {packages}");
    Program::new(root, &install).env("DEBIAN_FRONTEND", "noninteractive").run()?;
    match missing().next() {
        Some(tool) => bail!("{} is installed and has no program {}", tool.package, tool.program),
        None => Ok(()),
    }
}

/// Makes sure that Node.js is there and new enough for the page's tools.
///
/// # Errors
/// It is not.
pub(crate) fn require_node() -> anyhow::Result<()> {
    let version = |program| Command::new(program).arg("--version").output().ok();
    let node = version("node").and_then(|output| String::from_utf8(output.stdout).ok());
    let supported = node.as_deref().is_some_and(|text| {
        let mut numbers = text.trim().trim_start_matches('v').split('.').map(str::parse::<u32>);
        matches!((numbers.next(), numbers.next()), (Some(Ok(major)), Some(Ok(minor))) if is_supported(major, minor))
    });
    if !supported || version("npm").is_none() {
        bail!(
            "Node.js 20.19, 22.12 or newer with npm is needed; found {}",
            node.as_deref().unwrap_or("none").trim()
        );
    }
    Ok(())
}

/// As `engines` in `web/package.json`.
fn is_supported(major: u32, minor: u32) -> bool {
    match major {
        20 => minor >= 19,
        22 => minor >= 12,
        _ => major > 22,
    }
}

/// Looks where programs are, and where a user's `PATH` does not lead but a server's program is.
fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from);
    env::split_paths(&path).chain(system).map(|folder| folder.join(program)).find(|file| file.is_file())
}
