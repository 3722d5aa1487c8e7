//! What the process takes from itself, and asks for, before it reads any secret.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// No core dumps, no tracing by others of the same account, as many sockets as the system allows.
///
/// Returns what could not be done, a sentence each.
pub(crate) fn process() -> Vec<String> {
    [
        ("core dumps could not be turned off", no_core_dumps()),
        ("memory could not be closed to debuggers", no_debugger()),
        ("the limit of open files could not be raised", many_files()),
    ]
    .into_iter()
    .filter_map(|(sentence, result)| result.err().map(|error| format!("{sentence}: {error}")))
    .collect()
}

fn no_core_dumps() -> io::Result<()> {
    Ok(setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?)
}

#[cfg(target_os = "linux")]
fn no_debugger() -> io::Result<()> {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

#[cfg(not(target_os = "linux"))]
fn no_debugger() -> io::Result<()> {
    Ok(())
}

fn many_files() -> io::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_undone() {
        assert_eq!(process(), Vec::<String>::new());
        assert_eq!(getrlimit(Resource::Core), Rlimit { current: Some(0), maximum: Some(0) });
        let files = getrlimit(Resource::Nofile);
        assert_eq!(files.current, files.maximum);
        #[cfg(target_os = "linux")]
        assert_eq!(
            rustix::process::dumpable_behavior().expect("readable"),
            rustix::process::DumpableBehavior::NotDumpable
        );
    }
}
