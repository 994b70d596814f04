//! A stream that has lost what its consumer has not: what is in it all the same is handled.

use std::{fs, path::Path, time::Duration};

use tower_nylas::inbox::{EntryKey, Inbox, Settlement};
use tower_nylas_kit::inbox::{
    Handled, Working, entry,
    servers::{NatsServer, Sync},
};
use tower_nylas_nats::{
    NatsInbox,
    async_nats::{self, jetstream},
};

use crate::server::{named, restart, start};

const NAME: &str = "passed";
const PATIENCE: Duration = Duration::from_secs(60);

async fn open(server: &NatsServer) -> NatsInbox {
    let builder = named(NAME).lease(Duration::from_secs(1));
    builder.open(&server.url()).await.unwrap()
}

/// Stores entries, and settles all but the last one.
async fn handle_two_of_three(inbox: &NatsInbox) {
    for id in ["n-1", "n-2", "n-3"] {
        inbox.append(entry(id)).await.unwrap();
    }
    let mut left = 2;
    while left > 0 {
        for claim in inbox.claim(1, PATIENCE).await.unwrap() {
            let settled = inbox.settle(&claim.receipt, Settlement::Done).await;
            settled.unwrap();
            left -= 1;
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

async fn messages(server: &NatsServer) -> u64 {
    let client = async_nats::connect(server.url()).await.unwrap();
    let stream = jetstream::new(client).get_stream(NAME).await.unwrap();
    stream.cached_info().state.messages
}

/// Handles what there is until the stream is empty.
async fn handle(server: &NatsServer, inbox: NatsInbox, keys: &[EntryKey]) {
    let handled = Handled::default();
    let working = Working::start(&[inbox], &handled.router(), 4);
    handled.wait_for(keys, PATIENCE).await;
    let empty = async {
        while messages(server).await > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let empty = tokio::time::timeout(PATIENCE, empty).await;
    empty.expect("something stays in the stream");
    working.end().await;
}

/// As after a power cut: what was written last to the messages of the stream is lost, and nothing
/// of the consumer's state.
async fn lose(server: &mut NatsServer, appended_before: &[&str]) -> NatsInbox {
    let inbox = open(server).await;
    for id in appended_before {
        inbox.append(entry(id)).await.unwrap();
    }
    inbox.close().await;
    let kept = server.store().with_file_name("kept");
    let stream = format!("jetstream/$G/streams/{NAME}/msgs");
    let messages = server.store().join(stream);
    server.stop();
    copy(&messages, &kept);
    restart(server).await;
    let inbox = open(server).await;
    handle_two_of_three(&inbox).await;
    inbox.close().await;
    server.stop();
    fs::remove_dir_all(&messages).unwrap();
    copy(&kept, &messages);
    restart(server).await;
    open(server).await
}

/// The deletions are lost.
pub(crate) async fn what_was_deleted_is_there_again() {
    let mut server = start(Sync::Interval).await;
    let inbox = lose(&mut server, &["n-1", "n-2", "n-3"]).await;
    assert_eq!(messages(&server).await, 3);
    let keys = ["n-1", "n-2", "n-3"].map(|id| entry(id).key());
    handle(&server, inbox, &keys).await;
}

/// The end of the stream is lost, so what is appended comes to places that the consumer has passed.
pub(crate) async fn what_comes_to_places_that_were_settled() {
    let mut server = start(Sync::Interval).await;
    let inbox = lose(&mut server, &[]).await;
    let keys = ["n-4", "n-5"].map(|id| entry(id).key());
    for id in ["n-4", "n-5"] {
        inbox.append(entry(id)).await.unwrap();
    }
    handle(&server, inbox, &keys).await;
}
