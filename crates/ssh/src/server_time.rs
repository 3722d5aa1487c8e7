//! The time that a server has for a login: its own, not that of the person who types.

use std::time::Duration;

use engine::DialError;
use tokio::time::{Instant, timeout};

use crate::dial::seconds;

/// What is left of it.
pub(crate) struct ServerTime {
    target: String,
    limit: Duration,
    left: Duration,
}

impl ServerTime {
    /// All of it.
    pub(crate) fn new(target: &str, limit: Duration) -> Self {
        Self { target: target.to_owned(), limit, left: limit }
    }

    /// Waits for the server.
    ///
    /// # Errors
    /// Its time is up.
    pub(crate) async fn wait<T>(&mut self, answer: impl Future<Output = T>) -> Result<T, DialError> {
        let asked = Instant::now();
        let answered = timeout(self.left, answer).await;
        self.left = self.left.saturating_sub(asked.elapsed());
        answered
            .map_err(|_| DialError::AuthTimeout { target: self.target.clone(), seconds: seconds(self.limit) })
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_the_servers_time_counts_and_all_of_it() {
        let mut time = ServerTime::new("h:22", Duration::from_secs(30));
        for _ in 0..2 {
            assert_eq!(time.wait(sleep(Duration::from_secs(14))).await, Ok(()));
            sleep(Duration::from_secs(90)).await;
        }
        let late = time.wait(sleep(Duration::from_secs(3))).await;
        assert_eq!(late, Err(DialError::AuthTimeout { target: "h:22".to_owned(), seconds: 30 }));
    }
}
