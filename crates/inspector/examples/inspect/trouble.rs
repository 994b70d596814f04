//! What takes days to happen: entries that have failed for 72 hours, or were being handled when the
//! process died, five times. Here they are made at once.

use std::{path::Path, time::Duration};

use tower_nylas::{
    BoxError,
    inbox::{DeadCause, Entry, Inbox, Settlement},
    testing,
};
use tower_nylas_sqlite::SqliteInbox;

/// Returns the id of a mail that was not handled. Before any worker runs.
pub(crate) async fn make(inbox: &SqliteInbox, file: &Path) -> Result<String, BoxError> {
    let mail = "5d3f8a1e-93c2-4f0b-a6d7-12e84b9c7f30".to_owned();
    let dead = [
        (
            &*mail,
            DeadCause::Expired,
            "its handler failed: 452 4.2.2 the mailbox is full",
        ),
        (
            "0c7be2a9-41d8-4a7e-8f35-6b20d9e1c484",
            DeadCause::Crashed,
            "5 claims of it have ended without a settlement",
        ),
        (
            "a94e06d2-7f1b-4c93-b0e8-3d58c2f7a611",
            DeadCause::Exhausted,
            "the application allows 20 failures",
        ),
    ];
    for (id, cause, why) in dead {
        inbox.append(entry(id)?).await?;
        for claim in inbox.claim(1, Duration::ZERO).await? {
            let why = why.to_owned();
            inbox
                .settle(&claim.receipt, Settlement::Dead { cause, why })
                .await?;
        }
    }
    // Of a version of the crate that nobody has.
    inbox
        .append(entry("e7215fb3-08ac-4d6e-95b1-c43a7d90f822")?)
        .await?;
    let spoil =
        "UPDATE bodies SET head = x'ff' WHERE position = (SELECT max(position) FROM bodies)";
    rusqlite::Connection::open(file)?.execute(spoil, [])?;
    Ok(mail)
}

fn entry(id: &str) -> Result<Entry, BoxError> {
    let body = serde_json::json!({
        "specversion": "1.0",
        "type": "message.created",
        "id": id,
        "time": 1_767_225_600,
        "webhook_delivery_attempt": 1,
        "data": {
            "application_id": "an-application",
            "object": {
                "id": format!("message-{id}"),
                "grant_id": "9f6d2c1b-5a48-4e37-b1c0-7e8d9a0b1c2d",
                "object": "message",
                "subject": "Re: the contract <draft 3>",
            },
        },
    });
    let received_at = std::time::SystemTime::UNIX_EPOCH.elapsed()?;
    Ok(Entry::new(
        &testing::verified_by("default", body.to_string()),
        received_at,
    ))
}
