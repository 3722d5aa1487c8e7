//! Sessions over scripted shells. Time is tokio's, and paused.

#![allow(clippy::unwrap_used)]

mod exec;
mod flow;
mod last_words;
mod questions;
mod resume;
mod scripted;
mod times;
