//! Programs that the tests need besides cargo and Node, and installing them where that is allowed.

use std::{env, path::Path, process::Command};

use anyhow::bail;

use crate::step;

/// A program, and the Debian package that has it.
struct Program {
    name: &'static str,
    package: &'static str,
}

const NEEDED: [Program; 5] = [
    Program { name: "sshd", package: "openssh-server" },
    Program { name: "ssh", package: "openssh-client" },
    Program { name: "ssh-keygen", package: "openssh-client" },
    Program { name: "chromium", package: "chromium" },
    Program { name: "vim", package: "vim" },
];

/// Makes sure that everything is there: installs it as root with apt, or says what to install.
pub(crate) fn provide() -> anyhow::Result<()> {
    node()?;
    let packages = missing();
    if packages.is_empty() {
        return Ok(());
    }
    let names = packages.join(" ");
    if !is_root() || find("apt-get").is_none() {
        bail!("these Debian packages are missing: {names}. Install them, or run this as root on Debian");
    }
    println!("installing {names}");
    step::command("apt-get", ["update", "-qq"], Path::new("/"))?;
    let install = ["install", "-y", "-qq", "--no-install-recommends"];
    step::command("apt-get", install.into_iter().chain(packages), Path::new("/"))?;
    match missing().as_slice() {
        [] => Ok(()),
        still => bail!("still missing after their installation: {}", still.join(" ")),
    }
}

fn missing() -> Vec<&'static str> {
    // The browser may be another one than Debian's.
    let is_there = |program: &Program| {
        find(program.name).is_some() || program.name == "chromium" && env::var_os("CHROMIUM").is_some()
    };
    let mut packages: Vec<_> =
        NEEDED.iter().filter(|program| !is_there(program)).map(|program| program.package).collect();
    packages.dedup();
    packages
}

fn node() -> anyhow::Result<()> {
    match Command::new("node").arg("--version").output() {
        Ok(output) if output.status.success() && find("npm").is_some() => Ok(()),
        _ => bail!("Node.js 20.19 or newer with npm is missing: see https://nodejs.org"),
    }
}

/// Whether cargo has this subcommand.
pub(crate) fn cargo_has(subcommand: &str) -> bool {
    find(&format!("cargo-{subcommand}")).is_some()
}

fn find(program: &str) -> Option<std::path::PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let beside_admins = ["/usr/sbin", "/sbin", "/usr/local/sbin"].map(Into::into);
    env::split_paths(&path).chain(beside_admins).map(|dir| dir.join(program)).find(|path| path.is_file())
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
