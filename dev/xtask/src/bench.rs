//! `cargo xtask bench` and `cargo xtask soak`: builds the gateway and the load driver as they are released, and runs the driver.

use std::{env, fs, path::Path};

use anyhow::Context as _;

use crate::{
    program::Program,
    target_folder,
    tools::{self, SSH, SSHD},
};

const BUILD: &str = "cargo build --release --locked --package alfresco-ssh";

/// Builds, and runs the driver, which knows the arguments.
pub(crate) fn run(root: &Path, arguments: &[String]) -> anyhow::Result<()> {
    tools::require_node()?;
    tools::require(root, &[SSH, SSHD].iter())?;
    let release = target_folder()?.join("release");
    if env::var_os("ALFRESCO_SSH_BIN").is_none() {
        build_gateways(root, &release)?;
    }
    Program::new(root, "cargo build --release --locked --package bench").run()?;
    let driver = release.join("bench");
    Program::new(root, &driver.to_string_lossy()).arguments(arguments).run()
}

/// The gateway, and beside it one that counts what it allocates.
fn build_gateways(root: &Path, release: &Path) -> anyhow::Result<()> {
    Program::new(root, &format!("{BUILD} --features allocation-figures")).run()?;
    let gateway = release.join("alfresco-ssh");
    fs::copy(&gateway, release.join("alfresco-ssh-counting"))
        .with_context(|| format!("{} cannot be copied", gateway.display()))?;
    Program::new(root, BUILD).run()
}
