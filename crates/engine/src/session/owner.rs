//! The owner task: a session from its ticket to its end.

use std::sync::Arc;

use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    asking::AtClient,
    live::{Beginning, FAREWELL_LIMIT, Live},
    mailbox::Mailbox,
    mirror::Mirror,
    outbox::Outbox,
    seat::Seat,
};
use crate::{
    client::{Client, Notice},
    dial::{DialOrder, Dialer, Transport},
    dial_error::DialError,
    options::Options,
    reason::CloseReason,
    sessions::Membership,
    target::TermSize,
    terminal::Pty,
    ticket::{Redeemed, SessionOrder},
};

/// What an owner task starts with.
pub(crate) struct Owner {
    pub(crate) dialer: Arc<dyn Dialer>,
    pub(crate) options: Arc<Options>,
    pub(crate) mirrors: Arc<Semaphore>,
    pub(crate) ticket: Redeemed,
    pub(crate) size: Option<TermSize>,
    pub(crate) seat: Seat,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) membership: Membership,
    pub(crate) stop: CancellationToken,
}

impl Owner {
    /// Dials, runs the session to its end and tells the client why it ended.
    pub(crate) async fn run(self) -> CloseReason {
        let dialed = tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(CloseReason::Shutdown),
            reason = closed_early(&self.mailbox) => Err(reason),
            dialed = self.dial() => dialed.map_err(CloseReason::from),
        };
        match dialed {
            Ok((transport, size)) => self.open(transport, size).await,
            Err(reason) => self.fail(reason).await,
        }
    }

    async fn dial(&self) -> Result<(Transport, TermSize), DialError> {
        let order = self.ticket.order().map_err(|error| DialError::Internal { cause: error.to_string() })?;
        let size = self.size.or(order.size).unwrap_or_default();
        let pty = Pty { terminal: order.terminal, size };
        let person = AtClient { client: Arc::clone(&self.seat.client), mailbox: Arc::clone(&self.mailbox) };
        let SessionOrder { jump, target, credentials, program, .. } = order;
        let order = DialOrder { jump, target, credentials, pty: Some(pty), program };
        Ok((self.dialer.dial(order, Arc::new(person)).await?, size))
    }

    /// The shell is open.
    async fn open(self, transport: Transport, size: TermSize) -> CloseReason {
        let (idle_timeout, max_duration) = self.ticket.time_limits(&self.options);
        let resumes = !self.options.detach_grace.is_zero() && self.seat.client.can_resume();
        let token = if resumes { self.membership.first_token(self.ticket.hash()) } else { None };
        self.ticket.burn();
        let beginning = Beginning {
            transport,
            mailbox: self.mailbox,
            membership: self.membership,
            options: self.options,
            seat: self.seat,
            size,
            idle_timeout,
            max_duration,
            resume: token.map(|token| (token, Mirror::new(size, self.mirrors))),
        };
        Live::new(beginning).run(&self.stop).await
    }

    /// No shell was opened.
    async fn fail(self, reason: CloseReason) -> CloseReason {
        let usable = self.ticket.give_back();
        let retry = usable && matches!(&reason, CloseReason::DialFailed(error) if error.retry_may_help());
        let mut outbox = Outbox::new(self.seat.client.limits(), 0);
        outbox.close(Notice::Closed { reason: reason.clone(), retry, lasted: None });
        match reason {
            // One that is gone is told once and not waited for.
            CloseReason::BrowserGone => outbox.flush(&*self.seat.client),
            _ => farewell(&mut outbox, &*self.seat.client, &self.mailbox).await,
        }
        reason
    }
}

/// Resolves when the browser's side ends the session; leaves all other mail where it is.
async fn closed_early(mailbox: &Mailbox) -> CloseReason {
    loop {
        if let Some(reason) = mailbox.take_end() {
            return reason;
        }
        mailbox.posted().await;
    }
}

/// Flushes until the client has heard it, is gone, or the time is up.
async fn farewell(outbox: &mut Outbox, client: &dyn Client, mailbox: &Mailbox) {
    let deadline = Instant::now() + FAREWELL_LIMIT;
    loop {
        outbox.flush(client);
        if outbox.is_empty() || timeout_at(deadline, mailbox.posted()).await.is_err() {
            return;
        }
        if matches!(mailbox.take_end(), Some(CloseReason::BrowserGone)) {
            return;
        }
    }
}
