//! What runs on the target, and in which environment. Must not know how it is started.

use std::fmt;

/// What runs in the terminal.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Program {
    /// Variables that the server is asked to set; it takes those that its own settings allow.
    pub env: Vec<(String, String)>,
    /// What the account's shell runs; without it, itself.
    pub command: Option<String>,
    /// Whether it may use the key of the credentials, through an agent that has only that.
    pub forward_agent: bool,
}

impl fmt::Debug for Program {
    /// Says nothing of a command or a value, which may hold a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.env.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Program")
            .field("env", &names)
            .field("command", &self.command.is_some())
            .field("forward_agent", &self.forward_agent)
            .finish()
    }
}
