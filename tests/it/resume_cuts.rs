//! Much of both directions at once through a link that is cut again and again: every byte, once.

use std::{env, fmt::Write as _, fs, time::Duration};

use testkit::{Direction, PageClient, Proxy, Sshd, sha256};

use crate::{
    resume_setup::Gateway,
    setup::{Result, key_order},
};

const CUTS: usize = 200;
const MEBIBYTE: usize = 1024 * 1024;
/// How much goes each way.
const ROUNDS: usize = 256;
/// With this variable the cuts of a run that failed can be made again.
const SEED: &str = "ALFRESCO_SSH_SEED";
/// All of it takes half a minute where nothing else runs.
const PATIENCE: Duration = Duration::from_secs(340);
const PIECE: usize = 16 * 1024;

fn seed() -> u64 {
    let given = env::var(SEED).ok().and_then(|seed| seed.parse().ok());
    given.unwrap_or_else(|| fastrand::u64(..))
}

/// Half of all cuts in each direction, anywhere; some close behind each other, so that the way back is
/// cut as well.
fn plan(random: &mut fastrand::Rng, bytes: usize) -> Vec<u64> {
    let mut positions: Vec<u64> = (0..CUTS * 2 / 5).map(|_| random.u64(1..bytes as u64)).collect();
    let close: Vec<u64> =
        positions.iter().take(CUTS / 10).map(|position| position + random.u64(1..3000)).collect();
    positions.extend(close);
    positions
}

/// A mebibyte of noise, and a line before it with the number of its round: no two rounds are alike.
struct Rounds {
    block: Vec<u8>,
}

impl Rounds {
    fn new(random: &mut fastrand::Rng) -> Self {
        let mut block = vec![0; MEBIBYTE];
        random.fill(&mut block);
        Self { block }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(ROUNDS * (MEBIBYTE + 4));
        for round in 1..=ROUNDS {
            bytes.extend_from_slice(format!("{round}\n").as_bytes());
            bytes.extend_from_slice(&self.block);
        }
        bytes
    }
}

/// What the far end does: prints rounds of its block, takes as much input as it gets, and says its sum.
fn far_end(input: usize) -> String {
    let mut script = String::from("stty raw -echo\nprintf 'ready\\n'\nhead -c 1 > /dev/null\n");
    let _ = writeln!(script, "(for round in $(seq {ROUNDS}); do echo $round; cat block; done) &");
    let _ = writeln!(script, "head -c {input} | sha256sum > sum\nwait\ncat sum\nprintf 'the end\\n'");
    script
}

async fn exchange(page: &mut PageClient, input: &[u8], output: &[u8]) -> Result {
    page.tally(output.len());
    page.type_keys("g").await?;
    let mut rest = input;
    while !rest.is_empty() || page.tallied().is_none() {
        while !rest.is_empty() && page.room_to_type() >= PIECE {
            let (piece, others) = rest.split_at(PIECE.min(rest.len()));
            page.type_keys(piece).await?;
            rest = others;
        }
        page.step().await?;
        anyhow::ensure!(page.screen().is_none(), "it did not go on where it was");
    }
    assert_eq!(page.tallied(), Some(sha256(output)));
    page.until("the end").await?;
    assert!(page.text().contains(&sha256(input)), "the input arrived otherwise: {:?}", page.text());
    Ok(())
}

#[tokio::test]
async fn all_bytes_of_both_directions_survive_two_hundred_cuts() -> Result {
    let seed = seed();
    let mut random = fastrand::Rng::with_seed(seed);
    let (up, down) = (Rounds::new(&mut random), Rounds::new(&mut random));
    let (input, output) = (up.bytes(), down.bytes());
    // Nothing is dropped while the page is away, however long the way back takes.
    let (sshd, gateway) = (Sshd::start().await?, Gateway::start(&["--detached-output", "keep"]).await?);
    fs::write(sshd.dir().join("block"), &down.block)?;
    fs::write(sshd.dir().join("far-end"), far_end(input.len()))?;

    let proxy = Proxy::start(gateway.address()?, seed).await?;
    let mut page = PageClient::open(proxy.address(), &gateway.create(&key_order(&sshd)?).await?).await?;
    page.type_keys(format!("cd {} && bash far-end; exit\r", sshd.dir().display())).await?;
    page.until("ready\n").await?;
    for direction in [Direction::Up, Direction::Down] {
        proxy.cut_at(direction, plan(&mut random, ROUNDS * MEBIBYTE));
    }
    let told = format!("{SEED}={seed}");
    let exchanged = tokio::time::timeout(PATIENCE, exchange(&mut page, &input, &output));
    exchanged.await.map_err(anyhow::Error::from).and_then(|result| result).map_err(|error| {
        let cuts = proxy.planned_cuts();
        error.context(format!("{told}, {cuts:?} cuts, {page:?}"))
    })?;
    page.until_closed().await?;
    assert_eq!(proxy.planned_cuts(), (CUTS, 0), "{told}");
    // Some cuts hit a socket on its way back.
    assert!(page.attaches() > CUTS / 2, "{told}: {}", page.attaches());
    // What the page said last is still on its way through the proxy.
    drop(page);
    gateway.base.is_back().await
}
