//! An engine alone.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tower_nylas::{
    inbox::{Entry, Inbox},
    testing,
};

use super::{Measured, Tally};
use crate::delivery::notification_of;

/// So many callers in this process, with contents of this size.
pub async fn bare<I: Inbox>(inbox: &I, callers: usize, size: usize, time: Duration) -> Measured {
    let start = Instant::now();
    let end = start + time;
    let mut tasks = JoinSet::new();
    for caller in 0..callers {
        let inbox = inbox.clone();
        tasks.spawn(async move {
            let mut tally = Tally::default();
            for number in 0_u64.. {
                let id = format!("n-{caller}-{number}");
                let body = notification_of("message.created", &id, 1, size);
                let entry = Entry::new(&testing::verified(body), Duration::from_secs(1));
                let since = Instant::now();
                if since >= end {
                    break;
                }
                tally.note(inbox.append(entry).await.is_ok(), since);
            }
            tally
        });
    }
    let tallies = tasks.join_all().await;
    Measured::of(tallies, start.elapsed())
}
