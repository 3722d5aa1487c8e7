//! Every process of one terminal session, and ending them: none outlives its channel.
//!
//! Members are found through `/proc`; without one (not Linux) only the leader's group is reached.
//! A process that made a session of its own has left on purpose and is not followed.

use std::{fs, time::Duration};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// The processes of the session that `leader` leads. Dropping it kills whatever is left.
pub(crate) struct SessionProcesses {
    leader: Pid,
    killed: bool,
}

impl SessionProcesses {
    /// The session of a child that was started as a session leader.
    pub(crate) fn led_by(leader: Pid) -> Self {
        Self { leader, killed: false }
    }

    /// Sends a signal to the leader's own group.
    pub(crate) fn signal_leader(&self, signal: Signal) {
        // Whoever has ended meanwhile needs no signal.
        let _ = kill_process_group(self.leader, signal);
    }

    /// Sends a signal to every member.
    pub(crate) fn signal_all(&self, signal: Signal) {
        self.signal_leader(signal);
        for member in self.members() {
            let _ = kill_process(member, signal);
        }
    }

    /// Kills what is left. From here on the ids may belong to somebody else, and are not used again.
    fn kill(&mut self) {
        if !self.killed {
            self.signal_all(Signal::KILL);
            self.killed = true;
        }
    }

    /// Kills what is left, and returns when it is gone, in half a second at most.
    pub(crate) async fn end(&mut self) {
        self.kill();
        for _ in 0..100 {
            if self.members().is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tracing::warn!("processes of an ended session cannot be killed");
    }

    fn members(&self) -> Vec<Pid> {
        let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
        processes
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok().and_then(Pid::from_raw))
            .filter(|&pid| session_of(pid) == Some(self.leader))
            .collect()
    }
}

impl Drop for SessionProcesses {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The session of a process that still lives.
fn session_of(pid: Pid) -> Option<Pid> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    // pid, (name, which may hold anything), state, parent, group, session
    let mut after_name = stat.rsplit_once(") ")?.1.split_ascii_whitespace();
    let is_dead = matches!(after_name.next()?, "Z" | "X");
    let session = after_name.nth(2)?.parse().ok().and_then(Pid::from_raw);
    session.filter(|_| !is_dead)
}
