//! A session: a remote shell and its state, owned by one task, reached through an attachment.

mod asking;
mod attachment;
pub(crate) mod backlog;
mod clock;
pub(crate) mod credit;
mod live;
pub(crate) mod mailbox;
mod mirror;
pub(crate) mod outbox;
mod owner;
mod presence;
mod pump;
pub(crate) mod seat;

pub use attachment::Attachment;
pub use mailbox::{InputRefused, MAX_WAITING_INPUT};
pub(crate) use owner::Owner;
