//! From a host name to a TCP connection with the socket options that a terminal needs.
//!
//! Must not know SSH.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use engine::{DialError, Target, TargetDenied};
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpSocket, TcpStream, lookup_host},
    time::{sleep, timeout},
};

use crate::{check::Address, options::Reach, policy::Denial};

/// How long one address may keep the next one waiting (RFC 8305 calls it the attempt delay).
const HEAD_START: Duration = Duration::from_millis(250);
/// How long sent bytes may stay unacknowledged before the kernel gives the connection up.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED_LIMIT: Duration = Duration::from_secs(30);

/// Connects to the first address that answers, among those that may be connected to. The limit covers
/// the name and every address.
pub(crate) async fn connect(target: &Target, reach: &Reach, limit: Duration) -> Result<TcpStream, DialError> {
    let attempt = async {
        admit(target, reach)?;
        let host = host_of(target)?;
        let resolved = resolve(target, &host).await?;
        let addresses = select(target, &host, reach, resolved)?;
        race(addresses, reach.bind_address).await.map_err(|errors| unreachable(target, &errors))
    };
    match timeout(limit, attempt).await {
        Ok(connected) => connected,
        Err(_) => Err(timed_out(target, limit)),
    }
}

fn timed_out(target: &Target, limit: Duration) -> DialError {
    DialError::ConnectTimeout { target: target.to_string(), seconds: seconds(limit) }
}

/// The addresses of a host, and why some are not connected to.
pub(crate) async fn survey(
    target: &Target,
    reach: &Reach,
    limit: Duration,
) -> Result<Vec<Address>, DialError> {
    let host = host_of(target)?;
    let addresses = match timeout(limit, resolve(target, &host)).await {
        Ok(resolved) => resolved?,
        Err(_) => return Err(timed_out(target, limit)),
    };
    let judge = |address: SocketAddr| {
        let denial = reach.check(&host, address.ip(), address.port()).err().map(|denial| denial.to_string());
        let other = || (!reach.has_family(address.ip())).then(|| "an address of another family".to_owned());
        Address { address: address.ip(), denial: denial.or_else(other) }
    };
    Ok(addresses.into_iter().map(judge).collect())
}

/// Judges a target without looking its name up.
pub(crate) fn admit(target: &Target, reach: &Reach) -> Result<(), DialError> {
    reach.check_host(&host_of(target)?, target.port).map_err(|denial| denied(target, denial))
}

/// Judges a target that a jump host connects to, and resolves.
pub(crate) fn admit_beyond(target: &Target, reach: &Reach) -> Result<(), DialError> {
    reach.check_host_beyond(&host_of(target)?, target.port).map_err(|denial| denied(target, denial))
}

/// The one spelling of a target's host.
pub(crate) fn host_of(target: &Target) -> Result<String, DialError> {
    engine::host_name(&target.host)
        .map_err(|_| DialError::NameNotFound { host: crate::text::line(&target.host, 253) })
}

/// The addresses that may be dialled. Who asked does not learn which there are.
fn select(
    target: &Target,
    host: &str,
    reach: &Reach,
    resolved: Vec<SocketAddr>,
) -> Result<Vec<SocketAddr>, DialError> {
    let mut denial = None;
    let mut permitted = resolved;
    permitted.retain(|address| match reach.check(host, address.ip(), address.port()) {
        Ok(()) => true,
        Err(why) => {
            denial = Some(why);
            false
        }
    });
    match denial {
        Some(denial) if permitted.is_empty() => return Err(denied(target, denial)),
        _ => permitted.retain(|address| reach.has_family(address.ip())),
    }
    if permitted.is_empty() {
        let cause = "it has no address of the family that this gateway uses".to_owned();
        return Err(DialError::ConnectFailed { target: target.to_string(), cause });
    }
    Ok(permitted)
}

fn denied(target: &Target, denial: Denial) -> DialError {
    tracing::warn!(%target, %denial, "target denied");
    TargetDenied { target: target.to_string() }.into()
}

/// Whole seconds of a limit, at least one, for a sentence.
pub(crate) fn seconds(limit: Duration) -> u64 {
    limit.as_secs().max(1)
}

/// Looks the name up, once; an address is itself.
async fn resolve(target: &Target, host: &str) -> Result<Vec<SocketAddr>, DialError> {
    let not_found = || DialError::NameNotFound { host: host.to_owned() };
    match lookup_host((host, target.port)).await {
        Ok(addresses) => {
            Some(addresses.collect::<Vec<_>>()).filter(|all| !all.is_empty()).ok_or_else(not_found)
        }
        Err(error) if is_passing(&error) => Err(DialError::ConnectFailed {
            target: target.to_string(),
            cause: "its name cannot be resolved at the moment".to_owned(),
        }),
        Err(_) => Err(not_found()),
    }
}

/// The resolver could not be asked, which says nothing about the name. The standard library
/// passes `EAI_AGAIN` on in words only.
fn is_passing(error: &io::Error) -> bool {
    error.to_string().contains("Temporary failure")
}

/// Tries the addresses in order, each with a head start, and takes the first connection.
async fn race(addresses: Vec<SocketAddr>, from: Option<IpAddr>) -> Result<TcpStream, Vec<io::Error>> {
    let open = |address| open(address, from);
    let mut waiting = addresses.into_iter();
    let mut running = FuturesUnordered::new();
    let mut errors = Vec::new();
    running.extend(waiting.next().map(open));
    while !running.is_empty() {
        tokio::select! {
            Some(result) = running.next() => match result {
                Ok(stream) => return Ok(stream),
                Err(error) => {
                    errors.push(error);
                    running.extend(waiting.next().map(open));
                }
            },
            () = sleep(HEAD_START), if waiting.len() > 0 => running.extend(waiting.next().map(open)),
        }
    }
    Err(errors)
}

async fn open(address: SocketAddr, from: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    if let Some(from) = from {
        socket.bind((from, 0).into())?;
    }
    let stream = socket.connect(address).await?;
    let socket = SockRef::from(&stream);
    socket.set_tcp_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(15))
        .with_interval(Duration::from_secs(5))
        .with_retries(3);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED_LIMIT))?;
    Ok(stream)
}

/// The most telling of the errors: an address that refuses is there.
fn unreachable(target: &Target, errors: &[io::Error]) -> DialError {
    let target = target.to_string();
    let refused = |error: &&io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    match errors.iter().find(refused).or(errors.last()) {
        Some(error) if refused(&error) => DialError::ConnectRefused { target },
        Some(error) => DialError::ConnectFailed { target, cause: words(error) },
        None => DialError::ConnectFailed { target, cause: "it has no address".to_owned() },
    }
}

/// The system's words for an error, without its number.
pub(crate) fn words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::net::TcpListener;

    use super::*;
    use crate::{AddressFamily, TargetPolicy};

    fn target(host: &str, port: u16) -> Target {
        Target::new(host, port, "u")
    }

    fn open_reach() -> Reach {
        Reach { targets: TargetPolicy::with_private(), ..Reach::default() }
    }

    async fn closed_port() -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        listener.local_addr().unwrap().port()
    }

    #[tokio::test]
    async fn the_socket_has_its_options() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let stream =
            connect(&target("127.0.0.1", port), &open_reach(), Duration::from_secs(5)).await.unwrap();
        let socket = SockRef::from(&stream);
        assert!(socket.tcp_nodelay().unwrap());
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(15));
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), Duration::from_secs(5));
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), 3);
        #[cfg(target_os = "linux")]
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_secs(30)));
    }

    #[tokio::test]
    async fn a_refusing_address_gives_way_to_the_next() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let good = listener.local_addr().unwrap();
        let bad = SocketAddr::from((Ipv4Addr::LOCALHOST, closed_port().await));
        assert_eq!(race(vec![bad, good], None).await.unwrap().peer_addr().unwrap(), good);
    }

    #[tokio::test]
    async fn a_closed_port_refuses() {
        let target = target("127.0.0.1", closed_port().await);
        let error = connect(&target, &open_reach(), Duration::from_secs(5)).await.unwrap_err();
        assert_eq!(error, DialError::ConnectRefused { target: target.to_string() });
    }

    #[tokio::test]
    async fn a_backlog_that_is_full_times_out() {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let listener = socket.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        // A backlog of 0 holds one connection; the kernel then ignores the next SYN.
        let _first = TcpStream::connect(address).await.unwrap();
        let target = target("127.0.0.1", address.port());
        let error = connect(&target, &open_reach(), Duration::from_millis(300)).await.unwrap_err();
        assert_eq!(error, DialError::ConnectTimeout { target: target.to_string(), seconds: 1 });
    }

    #[tokio::test]
    async fn what_cannot_be_a_name_is_not_looked_up() {
        for host in ["", "a b", "a,b", "*", "a\nb", "#x", "!x", "|1|x", "fe80::1%lo"] {
            let error = connect(&target(host, 22), &open_reach(), Duration::from_secs(5)).await.unwrap_err();
            assert!(matches!(error, DialError::NameNotFound { .. }), "{host:?}: {error:?}");
        }
    }

    /// What is selected of these addresses of `h:22`.
    fn selected(reach: &Reach, addresses: &[&str]) -> Result<Vec<String>, DialError> {
        let all = addresses.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 22)).collect();
        let selected = select(&target("h", 22), "h", reach, all)?;
        Ok(selected.iter().map(|address| address.ip().to_string()).collect())
    }

    #[test]
    fn only_addresses_that_were_checked_are_dialled() {
        let closed = Reach::default();
        let denied = DialError::from(TargetDenied { target: "h:22".to_owned() });
        let all = ["127.0.0.1", "8.8.8.8", "::1", "169.254.169.254", "2606::1", "::ffff:10.0.0.1"];
        assert_eq!(selected(&closed, &all).unwrap(), ["8.8.8.8", "2606::1"]);
        for hidden in [&["10.0.0.1"][..], &["::ffff:127.0.0.1", "fe80::1"], &["64:ff9b::a9fe:a9fe"]] {
            assert_eq!(selected(&closed, hidden), Err(denied.clone()), "{hidden:?}");
        }
        assert_eq!(denied.to_string(), "This gateway may not connect to h:22.");
    }

    #[test]
    fn only_addresses_of_the_family_are_dialled() {
        let all = ["8.8.8.8", "2606::1"];
        for (family, bind_address, expected) in [
            (AddressFamily::Any, None, &all[..]),
            (AddressFamily::Inet, None, &all[..1]),
            (AddressFamily::Inet6, None, &all[1..]),
            (AddressFamily::Any, Some(Ipv4Addr::LOCALHOST.into()), &all[..1]),
            (AddressFamily::Any, Some("::1".parse().unwrap()), &all[1..]),
        ] {
            let reach = Reach { family, bind_address, ..Reach::default() };
            assert_eq!(selected(&reach, &all).unwrap(), expected, "{family:?} {bind_address:?}");
        }
        let reach = Reach { family: AddressFamily::Inet, ..Reach::default() };
        assert!(matches!(selected(&reach, &["2606::1"]), Err(DialError::ConnectFailed { .. })));
    }

    #[tokio::test]
    async fn the_connection_comes_from_the_address_that_it_is_bound_to() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let from = IpAddr::from([127, 0, 0, 7]);
        let reach = Reach { bind_address: Some(from), ..open_reach() };
        let stream = connect(&target("127.0.0.1", port), &reach, Duration::from_secs(5)).await.unwrap();
        assert_eq!(stream.local_addr().unwrap().ip(), from);
        assert_eq!(listener.accept().await.unwrap().1.ip(), from);
    }

    #[test]
    fn a_resolver_that_is_down_is_told_from_a_name_that_is_not_there() {
        let lookup = |words: &str| io::Error::other(format!("failed to lookup address information: {words}"));
        assert!(is_passing(&lookup("Temporary failure in name resolution")));
        assert!(!is_passing(&lookup("Name or service not known")));
    }

    #[test]
    fn the_systems_words_have_no_number() {
        let target = target("h", 22);
        let error = unreachable(&target, &[io::Error::from_raw_os_error(101)]);
        assert_eq!(error.to_string(), "h:22 cannot be reached: network is unreachable.");
    }
}
