//! `cargo xtask bench` and `cargo xtask soak`: builds the gateway and the load driver as they are released, and runs the driver.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use crate::{
    program::Program,
    target_folder,
    tools::{self, SSH, SSHD},
};

const BUILD: &str = "cargo build --release --locked --package alfresco-ssh";
const GATEWAY: &str = "ALFRESCO_SSH_BIN";

/// Builds, and runs the driver, which knows the arguments.
pub(crate) fn run(root: &Path, arguments: &[String]) -> anyhow::Result<()> {
    tools::require_node()?;
    tools::require(root, &[SSH, SSHD].iter())?;
    let release = target_folder()?.join("release");
    let gateway = match env::var_os(GATEWAY) {
        Some(file) => file.into(),
        None => install_gateways(root, &release)?,
    };
    Program::new(root, "cargo build --release --locked --package bench").run()?;
    let driver = release.join("bench");
    Program::new(root, &driver.to_string_lossy()).arguments(arguments).env(GATEWAY, gateway).run()
}

/// Builds the gateway, and beside it one that counts what it allocates.
///
/// Both are copied, as whoever installs a program does: a file that the linker wrote lies in small pieces
/// in the kernel's memory, and answers a key later from there.
fn install_gateways(root: &Path, release: &Path) -> anyhow::Result<PathBuf> {
    let folder = release.join("installed");
    fs::create_dir_all(&folder)?;
    let built = release.join("alfresco-ssh");
    let install = |name: &str| {
        let installed = folder.join(name);
        fs::copy(&built, &installed).with_context(|| format!("{} cannot be copied", built.display()))?;
        anyhow::Ok(installed)
    };
    Program::new(root, &format!("{BUILD} --features allocation-figures")).run()?;
    install("alfresco-ssh-counting")?;
    Program::new(root, BUILD).run()?;
    install("alfresco-ssh")
}
