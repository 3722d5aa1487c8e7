//! `alfresco-ssh check`: how a connection to an SSH server goes, step by step, as text or as JSON.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use engine::{AlgorithmKind, ConnectionFacts, HostProof, Offers, Target};
use serde_json::{Map, Value, json};
use ssh::{Finding, HostKeyPolicy};

use crate::{compose, config::Config, console};

/// Where the second column begins, and the third.
const STEP: usize = 10;
const WORDS: usize = STEP + 20;
/// How long a line may become by lists of names.
const WIDTH: usize = 110;

/// Whom to check, and as whom.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Whom {
    target: Target,
    names_user: bool,
}

impl Whom {
    /// Reads `[user@]host[:port]`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not [USER@]HOST[:PORT]");
        let (user, place) = text.rsplit_once('@').map_or((None, text), |(user, place)| (Some(user), place));
        // An IPv6 address without brackets has no port behind it.
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                (host, port.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?)
            }
            _ => (place, 22),
        };
        let host = engine::host_name(host).map_err(|_| wrong())?;
        if user.is_some_and(|user| user.is_empty() || user.chars().any(char::is_control)) {
            return Err(wrong());
        }
        Ok(Self { target: Target::new(host, port, user.unwrap_or_default()), names_user: user.is_some() })
    }
}

/// Checks, and says how it went; whether it went well.
pub(crate) async fn run(config: &Config, whom: &Whom, as_json: bool) -> anyhow::Result<bool> {
    let Whom { target, names_user } = whom;
    let options = compose::ssh_options(config, config.reach.clone())?;
    let policy = config.host_key_policy;
    let mut report = Report { policy, as_json, json: Map::new(), at: Instant::now() };
    report.json.insert("target".to_owned(), target.to_string().into());
    if !as_json {
        console::say(format_args!("{target}, as this gateway would connect to it"));
    }
    let checked = ssh::check(options, target, *names_user, |finding| report.add(&finding)).await;
    report.end(checked.as_ref().err().map(ToString::to_string));
    Ok(checked.is_ok())
}

/// What is said of the findings.
struct Report {
    policy: HostKeyPolicy,
    as_json: bool,
    json: Map<String, Value>,
    /// When the last finding came.
    at: Instant,
}

impl Report {
    fn add(&mut self, finding: &Finding) {
        let now = Instant::now();
        let took = now - self.at;
        self.at = now;
        if self.as_json {
            let (name, mut value) = self.json_of(finding);
            value["ms"] = millis(took).into();
            self.json.insert(name.to_owned(), value);
        } else {
            console::say(self.text_of(finding, took).trim_end());
        }
    }

    fn end(mut self, error: Option<String>) {
        if self.as_json {
            self.json.insert("ok".to_owned(), error.is_none().into());
            self.json.extend(error.map(|error| ("error".to_owned(), error.into())));
            console::say(format_args!("{:#}", Value::Object(self.json)));
        } else if let Some(error) = error {
            console::say(format_args!("A session would end here: {error}"));
        }
    }

    fn json_of(&self, finding: &Finding) -> (&'static str, Value) {
        match finding {
            Finding::Denied(why) => ("denied", json!({ "reason": why })),
            Finding::Addresses(list) => {
                let list = list.iter().map(|it| json!({ "address": it.address, "denied": it.denial }));
                ("addresses", json!({ "list": list.collect::<Vec<_>>() }))
            }
            Finding::Connected(address) => ("connected", json!({ "address": address })),
            Finding::Offered { server, offers } => {
                let kinds = offers.iter().map(|Offers { kind, ours, theirs }| {
                    (key(*kind).to_owned(), json!({ "server": theirs, "gateway": ours }))
                });
                ("offered", json!({ "server": server, "algorithms": kinds.collect::<Map<_, _>>() }))
            }
            Finding::Agreed(facts) => ("agreed", self.json_of_facts(facts)),
            Finding::Methods { banner, methods } => {
                ("login", json!({ "banner": banner, "methods": methods }))
            }
        }
    }

    fn json_of_facts(&self, facts: &ConnectionFacts) -> Value {
        json!({
            "preset": facts.preset.name(),
            "key_exchange": facts.key_exchange,
            "post_quantum": facts.is_post_quantum,
            "strict": facts.is_strict,
            "host_key": {
                "algorithm": facts.host_key.algorithm,
                "fingerprint": facts.host_key.fingerprint.to_string(),
                "verdict": self.verdict(facts.host_key.proof),
            },
            "cipher": facts.cipher,
            "mac": facts.mac,
            "compression": facts.compression,
            "weak": facts.weak,
        })
    }

    fn text_of(&self, finding: &Finding, took: Duration) -> String {
        let took = format!("{} ms", millis(took));
        let mut text = Lines::default();
        match finding {
            Finding::Denied(why) => text.add(&took, "denied", why),
            Finding::Addresses(list) => {
                for (index, it) in list.iter().enumerate() {
                    let denial = it.denial.as_ref().map(|why| format!(", not used: {why}"));
                    let (took, step) = if index == 0 { (took.as_str(), "addresses") } else { ("", "") };
                    text.add(took, step, &format!("{}{}", it.address, denial.unwrap_or_default()));
                }
            }
            Finding::Connected(address) => text.add(&took, "connected", &address.to_string()),
            Finding::Offered { server, offers } => {
                text.add(&took, "server", server);
                for Offers { kind, ours, theirs } in offers {
                    text.add_names(&kind.to_string(), "server   ", theirs);
                    text.add_names("", "gateway  ", ours);
                }
            }
            Finding::Agreed(facts) => self.add_facts(&mut text, &took, facts),
            Finding::Methods { banner, methods } => {
                let methods =
                    if methods.is_empty() { "no proof is wanted".to_owned() } else { methods.join(", ") };
                text.add(&took, "login with", &methods);
                for line in banner.lines() {
                    text.add("", "", line);
                }
            }
        }
        text.0
    }

    fn add_facts(&self, text: &mut Lines, took: &str, facts: &ConnectionFacts) {
        let quantum = if facts.is_post_quantum { ", post-quantum" } else { "" };
        let strict = if facts.is_strict { ", strict" } else { "" };
        let mac = facts.mac.as_ref().map(|mac| format!(", {mac}")).unwrap_or_default();
        let compression = facts.compression.as_ref().map(|name| format!(", {name}")).unwrap_or_default();
        text.add(took, "agreed on", &format!("{}{quantum}{strict}", facts.key_exchange));
        text.add("", "", &format!("{}{mac}{compression}", facts.cipher));
        if !facts.weak.is_empty() {
            text.add("", "weak", &facts.weak.join(" "));
        }
        let host = &facts.host_key;
        text.add("", "host key", &format!("{} {}", host.algorithm, host.fingerprint));
        text.add("", "", self.verdict(host.proof));
    }

    fn verdict(&self, proof: HostProof) -> &'static str {
        match (proof, self.policy) {
            (HostProof::Accepted, HostKeyPolicy::AcceptNew) => "not known: a session would learn it",
            (HostProof::Accepted, _) => "not known: a session would ask its user",
            (HostProof::Pinned, _) => "pinned",
            (HostProof::Known, _) => "known",
            (HostProof::Certificate, _) => "certified by an authority",
            (HostProof::Learnt, _) => "learnt",
        }
    }
}

/// Lines of three columns: how long it took, what it is, and what there is to say.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn add(&mut self, took: &str, step: &str, words: &str) {
        let line = format!("{took:>8}  {step:<width$}{words}", width = WORDS - STEP);
        _ = writeln!(self.0, "{}", line.trim_end());
    }

    /// Names, on as many lines as they need.
    fn add_names(&mut self, step: &str, whose: &str, names: &[String]) {
        let (mut step, mut line) = (step, whose.to_owned());
        for name in names {
            if WORDS + line.len() + name.len() > WIDTH && line.len() > whose.len() {
                self.add("", step, &line);
                (step, line) = ("", " ".repeat(whose.len()));
            }
            line.push_str(name);
            line.push(' ');
        }
        self.add("", step, &line);
    }
}

fn key(kind: AlgorithmKind) -> &'static str {
    match kind {
        AlgorithmKind::KeyExchange => "key_exchange",
        AlgorithmKind::HostKey => "host_key",
        AlgorithmKind::Cipher => "cipher",
        AlgorithmKind::Mac => "mac",
        AlgorithmKind::Compression => "compression",
        AlgorithmKind::RsaSignature => "rsa_signature",
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whom(text: &str) -> Result<(String, String), String> {
        Whom::parse(text).map(|it| (it.target.username.clone(), it.target.to_string()))
    }

    #[test]
    fn a_target_has_a_user_a_host_and_a_port() {
        for (text, user, target) in [
            ("lab.example", "", "lab.example:22"),
            ("me@lab.example:2222", "me", "lab.example:2222"),
            ("me@corp@lab.example", "me@corp", "lab.example:22"),
            ("2001:db8::1", "", "[2001:db8::1]:22"),
            ("root@[2001:db8::1]:2222", "root", "[2001:db8::1]:2222"),
            ("[::1]", "", "[::1]:22"),
        ] {
            assert_eq!(whom(text), Ok((user.to_owned(), target.to_owned())), "{text}");
        }
        for text in ["", "@h", "h:0", "h:65536", "h:ssh", "h:", "a b", "me@", "[::1"] {
            assert_eq!(whom(text), Err(format!("{text:?} is not [USER@]HOST[:PORT]")), "{text}");
        }
    }

    #[test]
    fn columns_stand_below_each_other() {
        let mut lines = Lines::default();
        lines.add("4 ms", "addresses", "::1");
        lines.add("", "", "::2");
        lines.add_names("cipher", "server ", &["a".repeat(40), "b".repeat(40), "c".to_owned()]);
        lines.add_names("compression", "server ", &[]);
        let expected = [
            "    4 ms  addresses           ::1",
            "                              ::2",
            &format!("          cipher              server {}", "a".repeat(40)),
            &format!("                                     {} c", "b".repeat(40)),
            "          compression         server",
        ];
        assert_eq!(lines.0.lines().collect::<Vec<_>>(), expected);
    }
}
