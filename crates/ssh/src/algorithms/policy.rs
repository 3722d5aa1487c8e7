//! Which algorithms the operator lets be used with which target.

use std::net::IpAddr;

use engine::{AlgorithmChoice, AlgorithmsDenied, Preset, Target};

use super::Offer;
use crate::policy::TargetPattern;

/// Which algorithms may be used.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AlgorithmPolicy {
    /// What a request gets that names no preset.
    pub preset: Preset,
    /// The weakest that a request may name; `preset`, if nothing stands here.
    pub ceiling: Option<Preset>,
    /// For some targets this preset stands in the place of both; the first pattern that fits decides.
    pub targets: Vec<(TargetPattern, Preset)>,
    /// Every key exchange must be one that a quantum computer does not undo.
    pub require_post_quantum: bool,
}

impl AlgorithmPolicy {
    /// What can be said before a name is resolved. One that passes is still judged by its address.
    pub(crate) fn admit(&self, target: &Target) -> Result<(), AlgorithmsDenied> {
        let wanted = target.algorithms.preset;
        let may_be_allowed = |(pattern, preset): &(TargetPattern, Preset)| {
            pattern.is_network() && pattern.matches_port(target.port) && wanted <= Some(*preset)
        };
        match target.host.parse() {
            Err(_) if self.targets.iter().any(may_be_allowed) => Ok(()),
            address => self.preset(target, address.ok()).map(drop),
        }
    }

    /// The preset for a target that is at this address, if that is known.
    fn preset(&self, target: &Target, address: Option<IpAddr>) -> Result<Preset, AlgorithmsDenied> {
        let (usual, ceiling) = self.bounds(target, address);
        match target.algorithms.preset {
            Some(wanted) if wanted > ceiling => {
                Err(AlgorithmsDenied { target: target.to_string(), wanted, ceiling })
            }
            wanted => Ok(wanted.unwrap_or(usual)),
        }
    }

    /// What is offered to a target that is at this address.
    ///
    /// # Errors
    /// What the target asks for is weaker than what may be used there.
    pub(crate) fn offer(&self, target: &Target, address: Option<IpAddr>) -> Result<Offer, AlgorithmsDenied> {
        let preset = self.preset(target, address)?;
        let (_, ceiling) = self.bounds(target, address);
        let AlgorithmChoice { require_post_quantum, compression, .. } = target.algorithms;
        let require_post_quantum = require_post_quantum || self.require_post_quantum;
        Ok(Offer { ceiling, require_post_quantum, compression, ..Offer::of(preset) })
    }

    fn bounds(&self, target: &Target, address: Option<IpAddr>) -> (Preset, Preset) {
        let fits = |(pattern, _): &&(TargetPattern, Preset)| pattern.fits(&target.host, address, target.port);
        match self.targets.iter().find(fits) {
            Some((_, preset)) => (*preset, *preset),
            None => (self.preset, self.ceiling.unwrap_or(self.preset).max(self.preset)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(preset: Preset, ceiling: Option<Preset>, targets: &[(&str, Preset)]) -> AlgorithmPolicy {
        let targets = targets.iter().map(|(pattern, preset)| (pattern.parse().unwrap(), *preset)).collect();
        AlgorithmPolicy { preset, ceiling, targets, require_post_quantum: false }
    }

    fn target(host: &str, preset: Option<Preset>) -> Target {
        let mut target = Target::new(host, 22, "u");
        target.algorithms.preset = preset;
        target
    }

    #[test]
    fn without_a_word_from_the_operator_all_is_modern_and_nothing_else_is_allowed() {
        let policy = AlgorithmPolicy::default();
        assert_eq!(policy.preset(&target("h", None), None), Ok(Preset::Modern));
        assert_eq!(policy.preset(&target("h", Some(Preset::Modern)), None), Ok(Preset::Modern));
        for wanted in [Preset::Compatible, Preset::Legacy] {
            let denied = AlgorithmsDenied { target: "h:22".to_owned(), wanted, ceiling: Preset::Modern };
            assert_eq!(policy.preset(&target("h", Some(wanted)), None), Err(denied.clone()));
            assert_eq!(policy.admit(&target("h", Some(wanted))), Err(denied));
        }
    }

    #[test]
    fn a_request_may_be_stronger_than_usual_and_as_weak_as_the_ceiling() {
        let policy = policy(Preset::Compatible, Some(Preset::Legacy), &[]);
        assert_eq!(policy.preset(&target("h", None), None), Ok(Preset::Compatible));
        for wanted in Preset::ALL {
            assert_eq!(policy.preset(&target("h", Some(wanted)), None), Ok(wanted));
        }
    }

    #[test]
    fn the_first_pattern_that_fits_is_both_the_usual_and_the_ceiling() {
        let rules = [
            ("*.lab.example", Preset::Legacy),
            ("10.0.0.0/8", Preset::Compatible),
            ("10.0.0.7", Preset::Legacy),
        ];
        let policy = policy(Preset::Modern, None, &rules);
        assert_eq!(policy.preset(&target("a.lab.example", None), None), Ok(Preset::Legacy));
        let address = Some("10.0.0.7".parse().unwrap());
        assert_eq!(policy.preset(&target("h", None), address), Ok(Preset::Compatible));
        assert!(policy.preset(&target("h", Some(Preset::Legacy)), address).is_err());
        assert_eq!(policy.preset(&target("h", None), Some("192.0.2.1".parse().unwrap())), Ok(Preset::Modern));
        let strict = self::policy(Preset::Legacy, None, &[("h", Preset::Modern)]);
        assert!(strict.preset(&target("h", Some(Preset::Compatible)), None).is_err());
    }

    #[test]
    fn a_name_that_may_lead_into_a_network_of_the_operators_is_judged_by_its_address() {
        let policy = policy(Preset::Modern, None, &[("10.0.0.0/8:22", Preset::Compatible)]);
        let wanted = |host: &str, preset| target(host, Some(preset));
        assert_eq!(policy.admit(&wanted("h", Preset::Compatible)), Ok(()));
        assert!(policy.admit(&wanted("h", Preset::Legacy)).is_err());
        assert!(policy.admit(&wanted("192.0.2.1", Preset::Compatible)).is_err());
        assert_eq!(policy.admit(&wanted("10.9.9.9", Preset::Compatible)), Ok(()));
        assert!(policy.preset(&wanted("h", Preset::Compatible), Some("192.0.2.1".parse().unwrap())).is_err());
        let elsewhere = Target { port: 2222, ..wanted("h", Preset::Compatible) };
        assert!(policy.admit(&elsewhere).is_err());
    }
}
