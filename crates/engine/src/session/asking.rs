//! The question that stands while a session dials, and the person behind its client.

use std::sync::Arc;

use futures_util::{FutureExt as _, future::BoxFuture};
use parking_lot::Mutex;
use tokio::{sync::oneshot, time::timeout};

use super::mailbox::Mailbox;
use crate::{
    client::{Client, Notice},
    dial::Step,
    question::{Answer, AnswerRefused, Person, QUESTION_LIMIT, Question, Unanswered},
    target::Target,
};

/// The question that stands, if one does.
#[derive(Default)]
pub(crate) struct OpenQuestion(Mutex<Asked>);

#[derive(Default)]
struct Asked {
    /// How many were asked; the last one's number.
    count: u64,
    open: Option<Open>,
}

struct Open {
    question: Question,
    answer: oneshot::Sender<Result<Answer, Unanswered>>,
}

impl OpenQuestion {
    /// A new question stands; one before has no answer any more.
    fn ask(&self, question: Question) -> (u64, oneshot::Receiver<Result<Answer, Unanswered>>) {
        let (answer, answered) = oneshot::channel();
        let mut asked = self.0.lock();
        asked.count += 1;
        asked.open = Some(Open { question, answer });
        (asked.count, answered)
    }

    /// Answers the question of this number. One that does not fit leaves it standing.
    pub(crate) fn answer(&self, id: u64, answer: Result<Answer, Unanswered>) -> Result<(), AnswerRefused> {
        let mut asked = self.0.lock();
        if asked.count != id {
            return Err(AnswerRefused::Late);
        }
        let Some(open) = asked.open.take() else { return Err(AnswerRefused::Late) };
        if answer.as_ref().is_ok_and(|answer| open.question.fits(answer)) || answer.is_err() {
            return open.answer.send(answer).map_err(|_| AnswerRefused::Late);
        }
        asked.open = Some(open);
        Err(AnswerRefused::Shape)
    }

    /// No question of this number stands any more.
    fn withdraw(&self, id: u64) {
        let mut asked = self.0.lock();
        if asked.count == id {
            asked.open = None;
        }
    }
}

/// Whoever sits at the client of a session that dials.
pub(crate) struct AtClient {
    pub(crate) client: Arc<dyn Client>,
    pub(crate) mailbox: Arc<Mailbox>,
}

impl Person for AtClient {
    fn progress(&self, step: Step, hop: Option<&Target>) {
        if self.client.notice(&Notice::Progress { step, hop: hop.map(Target::to_string) }).is_err() {
            tracing::debug!(?step, "the browser does not take notices; one label less");
        }
    }

    fn ask(&self, question: Question) -> BoxFuture<'static, Result<Answer, Unanswered>> {
        let (client, mailbox) = (Arc::clone(&self.client), Arc::clone(&self.mailbox));
        async move {
            let (id, answered) = mailbox.question.ask(question.clone());
            let notice = Notice::Question { id, question, limit: QUESTION_LIMIT };
            let answer = match client.notice(&notice) {
                Ok(()) => timeout(QUESTION_LIMIT, answered).await,
                // It was sent next to nothing so far: one that takes no question takes nothing.
                Err(_) => return Err(Unanswered::Nobody),
            };
            mailbox.question.withdraw(id);
            match answer {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) => Err(Unanswered::Nobody),
                Err(_) => Err(Unanswered::TimedOut),
            }
        }
        .boxed()
    }
}
