//! The tickets: sealed and kept, taken and burnt, among as many others as wait at a busy time.

use std::time::Duration;

use divan::Bencher;
use engine::{Credentials, SessionOrder, Target, measured::Tickets};
use tokio::runtime::Runtime;

const TTL: Duration = Duration::from_secs(120);
const OTHERS: usize = 1000;

fn order() -> SessionOrder {
    let credentials = Credentials::of_password("a password of some length");
    SessionOrder::new(Target::new("host.example", 22, "somebody"), credentials)
}

#[divan::bench]
fn issue_and_redeem(bencher: Bencher<'_, '_>) {
    // Every ticket has a timer.
    let runtime = Runtime::new().expect("a runtime starts");
    let _context = runtime.enter();
    let tickets = Tickets::new(TTL).expect("a key is made");
    for _ in 0..OTHERS {
        tickets.issue(order()).expect("there is room");
    }
    bencher.with_inputs(order).bench_local_values(|order| {
        let issued = tickets.issue(order).expect("there is room");
        tickets.redeem(&issued.ticket).expect("it waits").burn();
    });
}

#[divan::bench]
fn unknown(bencher: Bencher<'_, '_>) {
    let runtime = Runtime::new().expect("a runtime starts");
    let _context = runtime.enter();
    let tickets = Tickets::new(TTL).expect("a key is made");
    let issued = tickets.issue(order()).expect("there is room");
    tickets.redeem(&issued.ticket).expect("it waits").burn();
    bencher.bench_local(|| tickets.redeem(&issued.ticket).is_err());
}
