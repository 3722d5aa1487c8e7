//! Scripted shells and browsers: what the tests of sessions have on both ends.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use engine::{
    Answer, Attachment, Client, ClientFull, CloseReason, ConnectionFacts, Credentials, DialError, DialOrder,
    Dialer, Fingerprint, FlowLimits, HostKeyFacts, HostProof, Notice, Options, Person, Preset, Question,
    Registry, ResumeToken, SessionFacts, SessionOrder, Shell, ShellEvent, ShellGone, Step, Target, TermSize,
    Ticket, Transport, Unanswered,
};
use futures_util::{FutureExt as _, future::BoxFuture, stream};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

pub(crate) const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
pub(crate) const LIMITS: FlowLimits =
    FlowLimits { high_water: 256 * 1024, low_water: 64 * 1024, chunks: 64, tell_input_every: 16 * 1024 };

/// How long a shell takes to close.
pub(crate) const CLOSING: Duration = Duration::from_secs(1);

/// The other end of a shell: what the test sends as the shell, and what the session sent to it.
pub(crate) struct FarEnd {
    pub(crate) events: mpsc::Sender<ShellEvent>,
    pub(crate) sent: mpsc::UnboundedReceiver<Sent>,
    /// Cancelled when the target is gone.
    pub(crate) gone: CancellationToken,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Sent {
    Input(Bytes),
    Size(TermSize),
    Closed,
}

pub(crate) struct ScriptedShell(mpsc::UnboundedSender<Sent>, CancellationToken);

impl Shell for ScriptedShell {
    fn write(self: Arc<Self>, bytes: Bytes) -> BoxFuture<'static, Result<(), ShellGone>> {
        async move { self.0.send(Sent::Input(bytes)).map_err(|_| ShellGone) }.boxed()
    }

    fn resize(self: Arc<Self>, size: TermSize) -> BoxFuture<'static, Result<(), ShellGone>> {
        async move { self.0.send(Sent::Size(size)).map_err(|_| ShellGone) }.boxed()
    }

    fn close(self: Arc<Self>) -> BoxFuture<'static, ()> {
        async move {
            drop(self.0.send(Sent::Closed));
            tokio::time::sleep(CLOSING).await;
        }
        .boxed()
    }

    fn gone(self: Arc<Self>) -> BoxFuture<'static, ()> {
        self.1.clone().cancelled_owned().boxed()
    }
}

/// Hands each dialed shell's far end to the test; hosts named `refused`, `silent` and `panic` do that, and
/// one named `asks` asks the question that is to be asked.
pub(crate) struct ScriptedDialer {
    far_ends: mpsc::UnboundedSender<FarEnd>,
    question: Arc<Mutex<Option<Question>>>,
    answers: mpsc::UnboundedSender<Result<Answer, Unanswered>>,
}

impl Dialer for ScriptedDialer {
    fn dial(
        &self,
        order: DialOrder,
        person: Arc<dyn Person>,
    ) -> BoxFuture<'static, Result<Transport, DialError>> {
        let far_ends = self.far_ends.clone();
        let (question, answers) = (self.question.lock().unwrap().clone(), self.answers.clone());
        async move {
            person.progress(Step::Dial, None);
            match order.target.host.as_str() {
                "refused" => return Err(DialError::ConnectRefused { target: order.target.to_string() }),
                "asks" => {
                    let answer = person.ask(question.unwrap()).await;
                    let answered = answer.is_ok();
                    answers.send(answer).ok();
                    if !answered {
                        return Err(DialError::Internal { cause: "no answer".to_owned() });
                    }
                }
                "silent" => return std::future::pending().await,
                "panic" => panic!("a dialer that panics"),
                _ => {}
            }
            // As deep as an SSH channel's queue.
            let (events, received) = mpsc::channel(32);
            let (sender, sent) = mpsc::unbounded_channel();
            let gone = CancellationToken::new();
            far_ends.send(FarEnd { events, sent, gone: gone.clone() }).ok();
            let events = stream::unfold(received, |mut received| async {
                received.recv().await.map(|event| (event, received))
            });
            Ok(Transport {
                events: Box::pin(events),
                shell: Arc::new(ScriptedShell(sender, gone)),
                facts: SessionFacts { hops: Vec::new(), target: facts(&order.target) },
            })
        }
        .boxed()
    }
}

/// A browser on one socket: keeps what it got, and acknowledges at once or never, the end as well.
#[derive(Default)]
pub(crate) struct Browser {
    /// The output that it has, from offset `begins` on.
    pub(crate) output: Mutex<Vec<u8>>,
    pub(crate) begins: Mutex<u64>,
    /// The screen before it.
    pub(crate) screen: Mutex<Vec<u8>>,
    pub(crate) notices: Mutex<Vec<Notice>>,
    pub(crate) changed: watch::Sender<u64>,
    pub(crate) acknowledges: Mutex<Option<Attachment>>,
    pub(crate) resumes: bool,
}

impl Browser {
    /// One that can come back.
    pub(crate) fn resuming() -> Arc<Self> {
        Arc::new(Self { resumes: true, ..Self::default() })
    }

    /// The same page on a new socket, but for the last `lost` bytes, which were on their way.
    pub(crate) fn again(&self, lost: usize) -> Arc<Self> {
        let mut output = self.output.lock().unwrap().clone();
        output.truncate(output.len().saturating_sub(lost));
        let begins = Mutex::new(*self.begins.lock().unwrap());
        Arc::new(Self { output: Mutex::new(output), begins, resumes: true, ..Self::default() })
    }

    /// The offset behind its output.
    pub(crate) fn have(&self) -> u64 {
        *self.begins.lock().unwrap() + self.received() as u64
    }

    pub(crate) fn changed(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    pub(crate) async fn until(&self, is_true: impl Fn(&Self) -> bool) {
        let mut changes = self.changed.subscribe();
        while !is_true(self) {
            changes.changed().await.unwrap();
        }
    }

    /// What `find` finds in a notice, as soon as there is one.
    pub(crate) async fn noticed<T>(&self, find: impl Fn(&Notice) -> Option<T>) -> T {
        let found = |browser: &Self| browser.notices.lock().unwrap().iter().rev().find_map(&find);
        self.until(|browser| found(browser).is_some()).await;
        found(self).unwrap()
    }

    pub(crate) async fn closed(&self) -> (CloseReason, bool) {
        self.noticed(|notice| match notice {
            Notice::Closed { reason, retry, .. } => Some((reason.clone(), *retry)),
            _ => None,
        })
        .await
    }

    /// Its token, once it is attached.
    pub(crate) async fn token(&self) -> ResumeToken {
        self.noticed(|notice| match notice {
            Notice::Attached { token, .. } => Some(token.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) fn received(&self) -> usize {
        self.output.lock().unwrap().len()
    }

    pub(crate) fn acknowledge(&self, session: &Attachment) {
        *self.acknowledges.lock().unwrap() = Some(session.clone());
        session.ack(self.have());
    }
}

impl Client for Browser {
    fn limits(&self) -> FlowLimits {
        LIMITS
    }

    fn can_resume(&self) -> bool {
        self.resumes
    }

    fn output(&self, offset: u64, bytes: &Bytes) -> Result<(), ClientFull> {
        assert_eq!(self.have(), offset, "a hole or a repeat");
        self.output.lock().unwrap().extend_from_slice(bytes);
        if let Some(session) = &*self.acknowledges.lock().unwrap() {
            session.ack(self.have());
        }
        self.changed();
        Ok(())
    }

    fn screen(&self, offset: u64, bytes: &Bytes) -> Result<(), ClientFull> {
        let mut screen = self.screen.lock().unwrap();
        assert_eq!(screen.len() as u64, offset, "a hole or a repeat");
        screen.extend_from_slice(bytes);
        Ok(())
    }

    fn notice(&self, notice: &Notice) -> Result<(), ClientFull> {
        if let Notice::Attached { offset, screen, .. } = notice {
            if screen.is_some() {
                self.screen.lock().unwrap().clear();
                *self.begins.lock().unwrap() = *offset;
                self.output.lock().unwrap().clear();
            }
            assert_eq!(self.have(), *offset, "a hole or a repeat");
        }
        self.notices.lock().unwrap().push(notice.clone());
        if let (Notice::Closed { .. }, Some(session)) = (notice, &*self.acknowledges.lock().unwrap()) {
            session.end_heard();
        }
        self.changed();
        Ok(())
    }
}

pub(crate) struct Bench {
    pub(crate) registry: Arc<Registry>,
    pub(crate) far_ends: mpsc::UnboundedReceiver<FarEnd>,
    /// What came of each question.
    pub(crate) answered: mpsc::UnboundedReceiver<Result<Answer, Unanswered>>,
    question: Arc<Mutex<Option<Question>>>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(Options::default())
    }

    pub(crate) fn with(options: Options) -> Self {
        let (sender, far_ends) = mpsc::unbounded_channel();
        let (answers, answered) = mpsc::unbounded_channel();
        let question = Arc::default();
        let dialer = ScriptedDialer { far_ends: sender, question: Arc::clone(&question), answers };
        let registry = Registry::new(Arc::new(dialer), options).unwrap();
        Self { registry, far_ends, answered, question }
    }

    /// What the host named `asks` asks.
    pub(crate) fn asks(&self, question: Question) {
        *self.question.lock().unwrap() = Some(question);
    }

    pub(crate) fn ticket(&self, host: &str) -> Ticket {
        self.registry.issue(order(host)).unwrap().ticket
    }

    /// A session whose browser can come back, and keeps its token.
    pub(crate) async fn open_resuming(&mut self) -> (Attachment, Arc<Browser>, FarEnd) {
        let (session, browser, far_end) = self.open_for(Browser::resuming()).await;
        browser.token().await;
        session.token_kept();
        (session, browser, far_end)
    }

    /// A session for this browser, whose token is on its way.
    pub(crate) async fn open_for(&mut self, browser: Arc<Browser>) -> (Attachment, Arc<Browser>, FarEnd) {
        let (session, far_end) = self.open_with(&self.ticket("example"), &browser).await;
        (session, browser, far_end)
    }

    /// The session of this ticket for this browser.
    pub(crate) async fn open_with(
        &mut self,
        ticket: &Ticket,
        browser: &Arc<Browser>,
    ) -> (Attachment, FarEnd) {
        let client = Arc::clone(browser) as _;
        let session = self.registry.start(ticket, None, client, HERE).unwrap();
        (session, self.far_ends.recv().await.unwrap())
    }

    /// A ticket whose session is detached and whose token never arrived.
    pub(crate) async fn lose_token(&mut self) -> (Ticket, FarEnd) {
        let (ticket, lost) = (self.ticket("example"), Browser::resuming());
        let (session, far_end) = self.open_with(&ticket, &lost).await;
        lost.token().await;
        session.gone();
        self.until_detached(1).await;
        (ticket, far_end)
    }

    /// The page comes back on a new socket with the newest token, and keeps the next.
    pub(crate) async fn come_back(&self, before: &Browser, lost: usize) -> (Attachment, Arc<Browser>) {
        let browser = before.again(lost);
        let token = before.token().await;
        let client = Arc::clone(&browser) as _;
        let session = self.registry.resume(&token, Some(browser.have()), client).unwrap();
        browser.token().await;
        session.token_kept();
        (session, browser)
    }

    /// A new page with the newest token: it has nothing.
    pub(crate) async fn reload(&self, before: &Browser) -> (Attachment, Arc<Browser>) {
        let browser = Browser::resuming();
        let token = before.token().await;
        let session = self.registry.resume(&token, None, Arc::clone(&browser) as _).unwrap();
        browser.token().await;
        session.token_kept();
        (session, browser)
    }

    /// Waits until so many sessions are detached.
    pub(crate) async fn until_detached(&self, count: usize) {
        while self.registry.counts().detached != count {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) fn start(&self, host: &str) -> (Attachment, Arc<Browser>) {
        let browser = Arc::new(Browser::default());
        let handle = self.registry.start(&self.ticket(host), None, Arc::clone(&browser) as _, HERE).unwrap();
        (handle, browser)
    }

    pub(crate) async fn open(&mut self) -> (Attachment, Arc<Browser>, FarEnd) {
        let (handle, browser) = self.start("example");
        let far_end = self.far_ends.recv().await.unwrap();
        (handle, browser, far_end)
    }
}

/// Sends 4 KiB messages as a flooding shell does, and counts those that were taken.
pub(crate) fn flood(events: mpsc::Sender<ShellEvent>) -> watch::Receiver<usize> {
    let (count, taken) = watch::channel(0);
    tokio::spawn(async move {
        while events.send(ShellEvent::Output(Bytes::from_static(&[b'y'; 4096]))).await.is_ok() {
            count.send_modify(|count| *count += 1);
        }
    });
    taken
}

/// Of a connection that there never was.
pub(crate) fn facts(target: &Target) -> ConnectionFacts {
    ConnectionFacts {
        target: target.to_string(),
        server: "SSH-2.0-scripted".to_owned(),
        preset: Preset::Modern,
        key_exchange: "none".to_owned(),
        is_post_quantum: false,
        is_strict: true,
        host_key: HostKeyFacts {
            algorithm: "none".to_owned(),
            fingerprint: Fingerprint::of_public_key(b""),
            proof: HostProof::Known,
        },
        cipher: "none".to_owned(),
        mac: None,
        compression: None,
        weak: Vec::new(),
    }
}

pub(crate) fn order(host: &str) -> SessionOrder {
    SessionOrder::new(Target::new(host, 22, "me"), Credentials::of_password("secret"))
}
