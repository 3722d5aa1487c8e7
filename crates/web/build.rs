//! Builds the front end, or takes a finished build, and tells the crate where it is.
//!
//! Owns the variable `WEB_DIST` that `assets.rs` reads. Must not know what is in the build.

#![allow(clippy::print_stdout, reason = "a build script speaks to cargo through its output")]

use std::{
    env,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

/// Names a finished build to use instead of making one.
const FINISHED: &str = "ALFRESCO_SSH_WEB_DIST";
/// What the build is made from, in the folder of the front end.
const SOURCES: [&str; 9] = [
    "src",
    "build",
    "index.html",
    "landing.html",
    "not-found.html",
    "vite.config.ts",
    "tsconfig.json",
    "package.json",
    "package-lock.json",
];

fn main() -> Result<(), Failure> {
    println!("cargo::rerun-if-env-changed={FINISHED}");
    // Cargo runs this in the crate's folder.
    let workspace = Path::new("../..");
    let dist = match env::var_os(FINISHED) {
        Some(finished) => finished_build(&workspace.join(finished))?,
        None => own_build(&workspace.join("web"))?,
    };
    println!("cargo::rustc-env=WEB_DIST={}", dist.display());
    Ok(())
}

fn finished_build(dist: &Path) -> Result<PathBuf, Failure> {
    println!("cargo::rerun-if-changed={}", dist.display());
    if !dist.join("index.html").is_file() || !dist.join("assets").is_dir() {
        return Err(Failure(format!("{FINISHED} names {}, which holds no finished build.", dist.display())));
    }
    dist.canonicalize().map_err(|error| Failure(format!("{} cannot be read: {error}.", dist.display())))
}

fn own_build(web: &Path) -> Result<PathBuf, Failure> {
    for source in SOURCES {
        println!("cargo::rerun-if-changed={}", web.join(source).display());
    }
    let dist = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("dist");
    if !is_installed(web) {
        npm(web, ["ci".as_ref()])?;
    }
    npm(web, ["run".as_ref(), "build".as_ref(), "--".as_ref(), "--outDir".as_ref(), dist.as_os_str()])?;
    Ok(dist)
}

/// Whether npm has installed what the lock file says: its own record is newer than the lock file.
fn is_installed(web: &Path) -> bool {
    let modified = |file: &str| fs::metadata(web.join(file)).and_then(|metadata| metadata.modified());
    match (modified("node_modules/.package-lock.json"), modified("package-lock.json")) {
        (Ok(installed), Ok(locked)) => installed >= locked,
        _ => false,
    }
}

/// What npm says goes to cargo, which shows it when the build fails.
fn npm<const N: usize>(web: &Path, arguments: [&OsStr; N]) -> Result<(), Failure> {
    let program = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let command = format!("npm {}", arguments[0].display());
    match Command::new(program).args(arguments).current_dir(web).env("CI", "true").status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure(format!("`{command}` in {} failed ({status}); see above.", web.display()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Failure(format!(
            "Building the page needs Node.js 20.19 or newer with npm: install it, or let {FINISHED} name a finished build."
        ))),
        Err(error) => Err(Failure(format!("`{command}` cannot be run: {error}."))),
    }
}

/// One sentence for whoever builds: `main` prints it as it is.
struct Failure(String);

impl std::fmt::Debug for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
