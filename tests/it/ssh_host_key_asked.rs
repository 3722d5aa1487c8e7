//! Somebody is asked about an unknown host: what they see, what their answer does, and that the server
//! learns nothing of anybody before it.

use std::{process::Command, time::Duration};

use engine::{Answer, Credentials, DialError, HostKeyQuestion, Question, Step, Transport, Unanswered};
use ssh::HostKeyPolicy::Ask;
use testkit::{PATIENCE, demo_sshd::DemoSshd};
use tokio::{
    task::JoinHandle,
    time::{Instant, timeout},
};

use crate::{
    respondent::{Respondent, Thought},
    ssh_dialing::{Dialing, Talk},
    ssh_host_key::{demo, opens, refused_unseen},
};

fn asking(server: &DemoSshd, answers: impl IntoIterator<Item = Result<Answer, Unanswered>>) -> Dialing {
    Dialing::to_demo(server).policy(Ask).answered(answers)
}

fn accept(remember: bool) -> Result<Answer, Unanswered> {
    Ok(Answer::Accept { remember })
}

/// What `ssh-keygen -lv` says of the server's key.
fn drawn(server: &DemoSshd) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), server.host_key_line()).unwrap();
    let shown = Command::new("ssh-keygen").args(["-l", "-v", "-f"]).arg(file.path()).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains(server.fingerprint()), "{shown}");
    shown.split_once('\n').unwrap().1.trim_end().to_owned()
}

#[tokio::test]
async fn the_question_shows_what_ssh_keygen_shows() {
    let server = demo().await;
    for can_remember in [true, false] {
        let mut dialing = asking(&server, [accept(false)]);
        dialing.options.remember_host_keys = can_remember;
        opens(&server, &dialing).await;
        let question = HostKeyQuestion {
            target: format!("127.0.0.1:{}", server.port()),
            algorithm: "ssh-ed25519".to_owned(),
            fingerprint: engine::Fingerprint::parse(server.fingerprint()).unwrap(),
            randomart: drawn(&server),
            can_remember,
        };
        assert_eq!(dialing.person.questions(), [Question::HostKey(question)]);
        assert_eq!(dialing.person.steps(), [Step::Dial, Step::Handshake, Step::Auth, Step::Shell]);
    }
}

#[tokio::test]
async fn accepted_once_is_asked_again_and_remembered_is_not() {
    let server = demo().await;
    let dialing = asking(&server, [accept(false), accept(true)]);
    opens(&server, &dialing).await;
    assert!(!dialing.learned_hosts().exists());
    opens(&server, &dialing).await;
    let key: Vec<&str> = server.host_key_line().split(' ').take(2).collect();
    let learnt = std::fs::read_to_string(dialing.learned_hosts()).unwrap();
    assert_eq!(learnt, format!("[127.0.0.1]:{} {}\n", server.port(), key.join(" ")));
    opens(&server, &dialing).await;
    assert_eq!(dialing.person.questions().len(), 2);
}

#[tokio::test]
async fn what_is_pinned_or_known_is_not_asked_about() {
    let server = demo().await;
    let pinned = asking(&server, []).pin(server.fingerprint());
    let known = asking(&server, []).known_hosts(&format!("* {}", server.host_key_line()));
    for dialing in [pinned, known] {
        opens(&server, &dialing).await;
        assert_eq!(dialing.person.questions(), []);
    }
}

#[tokio::test]
async fn without_a_yes_the_server_sees_no_login() {
    let server = demo().await;
    let target = format!("127.0.0.1:{}", server.port());
    let found = engine::Fingerprint::parse(server.fingerprint()).unwrap();
    for (answer, expected) in [
        (Unanswered::Refused, DialError::HostKeyRefused { target: target.clone(), found }),
        (Unanswered::TimedOut, DialError::Unanswered { target: target.clone() }),
        (Unanswered::Nobody, DialError::HostKeyUnknown { target: target.clone(), found }),
    ] {
        let dialing = asking(&server, [Err(answer)]);
        assert_eq!(refused_unseen(&server, &dialing).await, expected);
        assert_eq!(dialing.person.questions().len(), 1);
        assert!(!dialing.learned_hosts().exists());
    }
}

/// A dial on whose question somebody thinks, and where their answer goes.
async fn thought_about(server: &DemoSshd) -> (JoinHandle<Result<Transport, DialError>>, Thought) {
    let (thinker, mut questions) = Respondent::thinking();
    let mut dialing = Dialing::to_demo(server).policy(Ask);
    dialing.person = thinker;
    let credentials = Credentials::of_password(server.password());
    let dialed = tokio::spawn(dialing.start(credentials));
    (dialed, timeout(PATIENCE, questions.recv()).await.unwrap().unwrap())
}

#[tokio::test]
async fn while_somebody_thinks_the_server_has_seen_no_login_and_its_time_stands_still() {
    let server = demo().await;
    let (dialed, answer) = thought_about(&server).await;
    let record = server.record();
    assert_eq!((record.borrow().connections, record.borrow().logins.len()), (1, 0));
    // Longer than a handshake may take. Nothing is under way meanwhile, so the clock can be turned.
    tokio::time::pause();
    let asked = Instant::now();
    tokio::time::sleep(Duration::from_secs(40)).await;
    assert!(asked.elapsed() >= Duration::from_secs(40));
    tokio::time::resume();
    assert!(!dialed.is_finished());
    assert_eq!(record.borrow().logins.len(), 0);
    answer.send(Answer::Accept { remember: false }).unwrap();
    Talk::new(timeout(PATIENCE, dialed).await.unwrap().unwrap());
    assert!(!record.borrow().logins.is_empty());
}

#[tokio::test]
async fn whoever_leaves_before_the_answer_leaves_nothing_behind() {
    let server = demo().await;
    let (dialed, mut answer) = thought_about(&server).await;
    dialed.abort();
    timeout(PATIENCE, answer.closed()).await.expect("nobody waits for the answer");
    let mut record = server.record();
    let gone = record.wait_for(|record| record.disconnections == 1);
    let gone = timeout(PATIENCE, gone).await.expect("the connection is cut").unwrap();
    assert_eq!(gone.logins, []);
}
