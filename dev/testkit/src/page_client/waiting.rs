//! What a page waits for, and what it says when that does not come.

use anyhow::{Context as _, ensure};
use serde_json::json;
use tokio::time::{error::Elapsed, timeout};
use wire::{Closed, Question, event};

use super::PageClient;
use crate::Event;

/// Waiting.
impl PageClient {
    /// Waits until it has the session.
    ///
    /// # Errors
    /// It does not get it.
    pub async fn until_attached(&mut self) -> anyhow::Result<()> {
        self.until_that("the session", Self::is_attached).await
    }

    /// Waits until something is so.
    ///
    /// # Errors
    /// It never is, or the session ends before.
    pub async fn until_that(
        &mut self,
        what: &str,
        mut is_so: impl FnMut(&Self) -> bool,
    ) -> anyhow::Result<()> {
        let patience = self.patience;
        let waiting = async {
            while !is_so(self) {
                ensure!(self.closed.is_none() || self.socket.is_some(), "it ended: {:?}", self.closed);
                self.step().await?;
            }
            Ok(())
        };
        let result = timeout(patience, waiting).await;
        self.explain(result, what)
    }

    /// Waits until the output contains `words`, and returns the output.
    ///
    /// # Errors
    /// It never does.
    pub async fn until(&mut self, words: &str) -> anyhow::Result<String> {
        let mut searched = 0;
        let found = |page: &Self| {
            // What was searched is not searched again.
            let from =
                std::mem::replace(&mut searched, page.received.end().saturating_sub(words.len() as u64));
            page.closed.is_some() || page.received.contains(words, from)
        };
        self.until_that(words, found).await?;
        ensure!(self.received.contains(words, 0), "{:?} before {words:?} in {}", self.closed, self.text());
        Ok(self.text())
    }

    /// Waits until the session's output is this long, counted from its beginning.
    ///
    /// # Errors
    /// It never is.
    pub async fn until_offset(&mut self, offset: u64) -> anyhow::Result<()> {
        self.until_that(&format!("offset {offset}"), |page| page.received.end() >= offset).await
    }

    /// Waits for an event of this name, also among those that came already, and takes it out.
    ///
    /// # Errors
    /// It never comes.
    pub async fn until_event(&mut self, name: &str) -> anyhow::Result<Event> {
        let position = |page: &Self| page.events.iter().position(|event| event.name == name);
        self.until_that(name, |page| position(page).is_some()).await?;
        position(self).map(|index| self.events.remove(index)).context("it came")
    }

    /// Waits for `session-closed`.
    ///
    /// # Errors
    /// It never comes.
    pub async fn until_closed(&mut self) -> anyhow::Result<Closed> {
        let event = self.until_event(event::SESSION_CLOSED).await?;
        Ok(serde_json::from_value(event.payload)?)
    }

    /// Waits for `session-question`.
    ///
    /// # Errors
    /// Nothing is asked.
    pub async fn until_asked(&mut self) -> anyhow::Result<Question> {
        let event = self.until_event(event::SESSION_QUESTION).await?;
        Ok(serde_json::from_value(event.payload)?)
    }

    /// Fills in the fields of a question.
    ///
    /// # Errors
    /// There is no socket.
    pub async fn answer(&mut self, question: &Question, answers: &[&str]) -> anyhow::Result<()> {
        let answer = json!({ "id": question.id, "answers": answers });
        self.socket()?.emit(event::SESSION_ANSWER, answer).await
    }

    /// Asks the gateway something that it answers, so that all it had to send before has arrived.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn round_trip(&mut self) -> anyhow::Result<()> {
        self.socket()?.emit(event::RESIZE, json!("no size")).await?;
        self.until_event(event::SESSION_ERROR).await.map(drop)
    }

    fn explain(&self, result: Result<anyhow::Result<()>, Elapsed>, what: &str) -> anyhow::Result<()> {
        result
            .map_err(anyhow::Error::from)
            .and_then(|result| result)
            .with_context(|| format!("waiting for {what}: {self:?}"))
    }
}
