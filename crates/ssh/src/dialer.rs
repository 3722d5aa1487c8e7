//! The dialer: from an order to a shell, step by step.

use engine::{DialError, DialOrder, Dialer, ProgressSink, Step, Transport};
use futures_util::future::BoxFuture;

use crate::{
    Options,
    auth::{self, Login},
    connection::Connection,
    dial,
    options::Limits,
    transport,
};

/// Opens shells over SSH.
pub struct SshDialer {
    options: Options,
    limits: Limits,
}

impl SshDialer {
    /// A dialer with these options.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, limits: Limits::default() }
    }
}

impl Dialer for SshDialer {
    fn dial(
        &self,
        order: DialOrder,
        progress: ProgressSink,
    ) -> BoxFuture<'static, Result<Transport, DialError>> {
        Box::pin(dial(self.options.clone(), self.limits, order, progress))
    }
}

/// Every step owns what it opened: dropping this future at any point cuts the connection.
async fn dial(
    options: Options,
    limits: Limits,
    order: DialOrder,
    progress: ProgressSink,
) -> Result<Transport, DialError> {
    let DialOrder { target, credentials, pty } = order;
    // A key that cannot be used needs no connection.
    let login = Login::prepare(credentials).await?;
    progress(Step::Dial);
    let stream = dial::connect(&target, options.connect_timeout).await?;
    progress(Step::Handshake);
    let mut connection = Connection::open(stream, &target, options, limits.handshake).await?;
    progress(Step::Auth);
    auth::log_in(&mut connection, &target.username, &login, limits.login).await?;
    drop(login);
    progress(Step::Shell);
    transport::open(connection, &pty, limits.login).await
}
