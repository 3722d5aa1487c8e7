//! The one account: its name, its random password, and checking them.

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// A name and a password of 32 URL-safe characters (192 random bits).
pub(crate) struct Account {
    username: String,
    password: Zeroizing<String>,
}

impl Account {
    /// The name of whoever runs this process, with a new password.
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        let mut random = Zeroizing::new([0; 24]);
        getrandom::fill(random.as_mut())?;
        let named = |name| std::env::var(name).ok().filter(|name| !name.is_empty());
        let username = named("USER").or_else(|| named("LOGNAME")).unwrap_or_else(|| "demo".to_owned());
        Ok(Self { username, password: Zeroizing::new(URL_SAFE_NO_PAD.encode(random.as_ref())) })
    }

    pub(crate) fn username(&self) -> &str {
        &self.username
    }

    pub(crate) fn password(&self) -> &str {
        &self.password
    }

    /// Takes the same time whatever differs: equal digests are compared, not texts.
    pub(crate) fn admits(&self, username: &str, password: &str) -> bool {
        same(&self.username, username) & same(&self.password, password)
    }
}

fn same(ours: &str, theirs: &str) -> bool {
    let digest = |text: &str| digest::digest(&digest::SHA256, text.as_bytes());
    verify_slices_are_equal(digest(ours).as_ref(), digest(theirs).as_ref()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_password_of_the_right_name() {
        let account = Account::new().unwrap();
        let (name, password) = (account.username().to_owned(), account.password().to_owned());
        assert_eq!(password.len(), 32);
        assert_ne!(password, Account::new().unwrap().password());
        assert!(account.admits(&name, &password));
        assert!(!account.admits(&name, &password[..31]));
        assert!(!account.admits(&name, ""));
        assert!(!account.admits("", &password));
        assert!(!account.admits(&name, &format!("{password} ")));
    }
}
