//! Whoever waits for a shell, as a script: notes what it is told and asked, and answers in turn.

use std::{
    collections::VecDeque,
    future::{pending, ready},
    sync::{Arc, Mutex},
};

use engine::{Answer, Person, Question, Step, Target, Unanswered};
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

/// Answers questions with what it was given, and with nothing once that is used up.
#[derive(Default)]
pub(crate) struct Respondent {
    steps: Mutex<Vec<Step>>,
    hops: Mutex<Vec<Option<String>>>,
    questions: Mutex<Vec<Question>>,
    answers: Mutex<VecDeque<Result<Answer, Unanswered>>>,
    is_silent: bool,
    thoughts: Option<mpsc::UnboundedSender<Thought>>,
}

/// A question that waits for its answer; closed when nobody waits for that any more.
pub(crate) type Thought = oneshot::Sender<Answer>;

impl Respondent {
    pub(crate) fn with(answers: impl IntoIterator<Item = Result<Answer, Unanswered>>) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.into_iter().collect()), ..Self::default() })
    }

    /// Is there and never answers.
    pub(crate) fn silent() -> Arc<Self> {
        Arc::new(Self { is_silent: true, ..Self::default() })
    }

    /// Somebody who thinks about each question until the test has an answer.
    pub(crate) fn thinking() -> (Arc<Self>, mpsc::UnboundedReceiver<Thought>) {
        let (thoughts, receiver) = mpsc::unbounded_channel();
        (Arc::new(Self { thoughts: Some(thoughts), ..Self::default() }), receiver)
    }

    /// Every step so far.
    pub(crate) fn steps(&self) -> Vec<Step> {
        self.steps.lock().unwrap().clone()
    }

    /// Where each of them led to, if not to the target.
    pub(crate) fn hops(&self) -> Vec<Option<String>> {
        self.hops.lock().unwrap().clone()
    }

    /// Every question so far.
    pub(crate) fn questions(&self) -> Vec<Question> {
        self.questions.lock().unwrap().clone()
    }
}

impl Person for Respondent {
    fn progress(&self, step: Step, hop: Option<&Target>) {
        self.hops.lock().unwrap().push(hop.map(Target::to_string));
        self.steps.lock().unwrap().push(step);
    }

    fn ask(&self, question: Question) -> BoxFuture<'static, Result<Answer, Unanswered>> {
        self.questions.lock().unwrap().push(question);
        if self.is_silent {
            return Box::pin(pending());
        }
        if let Some(thoughts) = &self.thoughts {
            let (thought, answer) = oneshot::channel();
            let heard = thoughts.send(thought);
            return Box::pin(async move {
                heard.map_err(|_| Unanswered::Nobody)?;
                answer.await.map_err(|_| Unanswered::Nobody)
            });
        }
        Box::pin(ready(self.answers.lock().unwrap().pop_front().unwrap_or(Err(Unanswered::Nobody))))
    }
}
