//! The listener, its connections, and their common end.

use std::{io, net::Ipv4Addr, sync::Arc, time::Duration};

use russh::{
    Disconnect, MethodKind, MethodSet,
    keys::{
        HashAlg, PrivateKey,
        ssh_key::private::{Ed25519Keypair, KeypairData},
    },
    server::{Config, RunningSession, run_stream},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use zeroize::Zeroizing;

use crate::{
    Options, Program, Quirk,
    account::Account,
    connection::{Connection, WINDOW},
    record::{Record, Recorder},
};

/// A client that has not logged in by then is cut off.
const LOGIN_GRACE: Duration = Duration::from_secs(60);
/// How long a client has to take its leave when the server ends.
const FAREWELL: Duration = Duration::from_secs(1);
/// Wrong passwords per connection.
const TRIES: usize = 6;

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port on 127.0.0.1 cannot be had.
    #[error("no port on 127.0.0.1: {0}")]
    Listen(#[from] io::Error),
    /// The system gives no random numbers.
    #[error("no random numbers: {0}")]
    Random(#[from] getrandom::Error),
    /// The host key cannot be written down.
    #[error("the host key is unusable: {0}")]
    HostKey(#[from] russh::keys::ssh_key::Error),
}

/// A running server. Dropping it ends every session and kills their processes;
/// [`shutdown`](Self::shutdown) also waits for that.
pub struct DemoSshd {
    port: u16,
    host_key_line: String,
    fingerprint: String,
    shared: Arc<Shared>,
}

/// What every connection knows.
pub(crate) struct Shared {
    pub(crate) account: Account,
    pub(crate) program: Program,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) quirk: Option<Quirk>,
    pub(crate) recorder: Recorder,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

impl DemoSshd {
    /// Starts a server on 127.0.0.1 with a new host key and a new password.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
        let port = listener.local_addr()?.port();
        let host_key = new_host_key()?;
        let host_key_line = host_key.public_key().to_openssh()?;
        let fingerprint = host_key.public_key().fingerprint(HashAlg::Sha256).to_string();
        let shared = Arc::new(Shared {
            account: Account::new()?,
            program: options.program.clone(),
            environment: options.environment.clone(),
            quirk: options.quirk,
            recorder: Recorder::new(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
        let config = Arc::new(config(host_key, &options));
        shared.tasks.spawn(accept(listener, config, Arc::clone(&shared)));
        Ok(Self { port, host_key_line, fingerprint, shared })
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The host key as in a public key file: type and base64.
    #[must_use]
    pub fn host_key_line(&self) -> &str {
        &self.host_key_line
    }

    /// The host key's fingerprint, `SHA256:…`.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The only account.
    #[must_use]
    pub fn username(&self) -> &str {
        self.shared.account.username()
    }

    /// Its password: 32 URL-safe characters, random for each server. A secret.
    #[must_use]
    pub fn password(&self) -> &str {
        self.shared.account.password()
    }

    /// What the server has seen, and will see.
    #[must_use]
    pub fn record(&self) -> watch::Receiver<Record> {
        self.shared.recorder.subscribe()
    }

    /// Ends every session, and returns when all connections and processes are gone: in two seconds.
    pub async fn shutdown(self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}

impl Drop for DemoSshd {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

fn new_host_key() -> Result<PrivateKey, StartError> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut())?;
    let pair = KeypairData::Ed25519(Ed25519Keypair::from_seed(&seed));
    Ok(PrivateKey::new(pair, "")?)
}

fn config(host_key: PrivateKey, options: &Options) -> Config {
    let method = match options.quirk {
        Some(Quirk::NoPasswords) => MethodKind::PublicKey,
        _ => MethodKind::Password,
    };
    Config {
        keys: vec![host_key],
        methods: MethodSet::from(&[method][..]),
        auth_rejection_time: options.rejection_time,
        auth_rejection_time_initial: Some(Duration::ZERO),
        max_auth_attempts: TRIES,
        inactivity_timeout: None,
        window_size: WINDOW,
        nodelay: true,
        ..Config::default()
    }
}

async fn accept(listener: TcpListener, config: Arc<Config>, shared: Arc<Shared>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shared.stop.cancelled() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                shared.recorder.note(|record| record.connections += 1);
                shared.tasks.spawn(serve(stream, Arc::clone(&config), Arc::clone(&shared)));
            }
            Err(error) => {
                // Out of file descriptors, mostly: others must end first.
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, config: Arc<Config>, shared: Arc<Shared>) {
    if let Err(error) = try_serve(stream, config, &shared).await {
        tracing::debug!(%error, "an SSH connection ended with an error");
    }
}

async fn try_serve(stream: TcpStream, config: Arc<Config>, shared: &Arc<Shared>) -> Result<(), russh::Error> {
    stream.set_nodelay(true)?;
    // The library's task holds the stream; this second handle can cut it off. No shell inherits it.
    let cut = rustix::io::fcntl_dupfd_cloexec(&stream, 3).map_err(io::Error::from)?;
    let logged_in = Arc::new(Notify::new());
    let connection = Connection::new(Arc::clone(shared), Arc::clone(&logged_in));
    let mut session = tokio::select! {
        started = timeout(LOGIN_GRACE, run_stream(config, stream, connection)) => {
            started.map_err(|_| russh::Error::ConnectionTimeout)??
        }
        () = shared.stop.cancelled() => return Ok(()),
    };
    let too_late = async {
        if timeout(LOGIN_GRACE, logged_in.notified()).await.is_ok() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        result = &mut session => return result,
        () = too_late => {}
        () = shared.stop.cancelled() => if let Some(result) = take_leave(&mut session).await {
            return result;
        }
    }
    // It may have ended by itself: then there is nothing to cut.
    let _ = rustix::net::shutdown(&cut, rustix::net::Shutdown::Both);
    session.await
}

/// Tells the client that it is over; how the connection ended, if the client closes it in time.
async fn take_leave(session: &mut RunningSession<Connection>) -> Option<Result<(), russh::Error>> {
    let farewell = async {
        let reason = "the server is shutting down".to_owned();
        // A connection that is closing already needs no farewell.
        let _ = session.handle().disconnect(Disconnect::ByApplication, reason, String::new()).await;
        session.await
    };
    timeout(FAREWELL, farewell).await.ok()
}
