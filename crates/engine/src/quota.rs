//! Counts sessions: in all, by the address that they were started from, by who ordered them.

use std::{collections::HashMap, hash::Hash, net::IpAddr, sync::Arc};

use parking_lot::Mutex;

use crate::options::Quotas;

/// Counts sessions against their quotas.
pub(crate) struct Quota {
    quotas: Quotas,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
    by_caller: HashMap<String, usize>,
}

/// One session's place; free again when dropped.
pub(crate) struct Place {
    quota: Arc<Quota>,
    address: IpAddr,
    caller: Option<String>,
}

/// Which quota is used up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Full {
    All,
    OfAddress,
    OfCaller,
}

impl Quota {
    pub(crate) fn new(quotas: Quotas) -> Arc<Self> {
        Arc::new(Self { quotas, taken: Mutex::default() })
    }

    /// Whether this caller could have one more session now, wherever it is started from.
    pub(crate) fn check(&self, caller: Option<&str>) -> Result<(), Full> {
        self.taken.lock().check(&self.quotas, caller)
    }

    /// Takes a place for a session.
    pub(crate) fn take(self: &Arc<Self>, address: IpAddr, caller: Option<String>) -> Result<Place, Full> {
        let address = address.to_canonical();
        let mut taken = self.taken.lock();
        taken.check(&self.quotas, caller.as_deref())?;
        let of_address = taken.by_address.get(&address).copied().unwrap_or_default();
        if self.quotas.per_address.is_some_and(|most| of_address >= most) {
            return Err(Full::OfAddress);
        }
        taken.all += 1;
        *taken.by_address.entry(address).or_default() += 1;
        if let Some(caller) = &caller {
            *taken.by_caller.entry(caller.clone()).or_default() += 1;
        }
        Ok(Place { quota: Arc::clone(self), address, caller })
    }
}

impl Taken {
    fn check(&self, quotas: &Quotas, caller: Option<&str>) -> Result<(), Full> {
        if self.all >= quotas.sessions {
            return Err(Full::All);
        }
        let of_caller = caller.and_then(|caller| self.by_caller.get(caller).copied()).unwrap_or_default();
        if caller.is_some() && quotas.per_caller.is_some_and(|most| of_caller >= most) {
            return Err(Full::OfCaller);
        }
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.quota.taken.lock();
        taken.all -= 1;
        leave(&mut taken.by_address, &self.address);
        if let Some(caller) = &self.caller {
            leave(&mut taken.by_caller, caller);
        }
    }
}

fn leave<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn address(last: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, last).into()
    }

    #[test]
    fn each_quota_holds_and_places_come_back() {
        let quota = Quota::new(Quotas { sessions: 4, per_address: Some(2), per_caller: Some(3) });
        let portal = || Some("portal".to_owned());
        let first = quota.take(address(1), portal()).unwrap();
        let second = quota.take(address(1), portal()).unwrap();
        assert_eq!(quota.take(address(1), None).err(), Some(Full::OfAddress));
        let mapped = Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped().into();
        assert_eq!(quota.take(mapped, None).err(), Some(Full::OfAddress));
        let _third = quota.take(address(2), portal()).unwrap();
        assert_eq!(quota.take(address(3), portal()).err(), Some(Full::OfCaller));
        assert_eq!(quota.check(Some("portal")), Err(Full::OfCaller));
        assert_eq!(quota.check(Some("other")), Ok(()));
        let _fourth = quota.take(address(3), None).unwrap();
        assert_eq!(quota.take(address(4), None).err(), Some(Full::All));
        assert_eq!(quota.check(None), Err(Full::All));
        drop(first);
        drop(second);
        quota.take(address(1), portal()).unwrap();
        let taken = quota.taken.lock();
        assert_eq!((taken.all, taken.by_address.len(), taken.by_caller.len()), (2, 2, 1));
    }
}
