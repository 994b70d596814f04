use std::{future::pending, time::Duration};

use tower_nylas::{
    TriggerRouter, VerifiedBody,
    inbox::{Browse, Entry, Inbox, MemoryInbox, Pause, Worker},
    testing::{self, VirtualClock},
};
use tower_nylas_inspector::Inspector;

use crate::stage::{At, notification, now, serve};

const HOUR: Duration = Duration::from_secs(60 * 60);

async fn store(inbox: &MemoryInbox, id: &str) {
    let body = notification("message.created", id, "g-1", "a mail");
    let entry = Entry::new(&testing::verified_by("default", body), now());
    inbox.append(entry).await.unwrap();
}

/// The worker runs in virtual time: when an hour has passed, it has done all that it does in one.
pub(crate) async fn a_worker_is_paused_and_resumed() {
    let clock = VirtualClock::new();
    let inbox = MemoryInbox::with_timer(clock.clone());
    let pause = Pause::new();
    let tasks = clock.clone();
    let service = TriggerRouter::new().fallback(async |_: VerifiedBody| ());
    let worker = Worker::on_runtime(inbox.clone(), service, clock.clone(), move |task| {
        tasks.spawn(task);
    });
    let running = worker.pause(&pause).run_until(pending());
    clock.spawn(async move { running.await.unwrap() });
    let builder = Inspector::builder().inbox(inbox.clone()).pause(&pause);
    let at = At(serve(builder.authorize(|_| true).build()).await);
    let ready = async || {
        let clock = clock.clone();
        // Not within this task: tokio lets one task do only so much before it has to wait.
        let hour = tokio::task::spawn_blocking(move || clock.run_for(HOUR));
        hour.await.unwrap();
        let shown = at.json("").await;
        let stored = inbox.stats().await.unwrap();
        assert_eq!(shown["inbox"]["ready"], stored.ready);
        assert_eq!(stored.claimed + stored.waiting + stored.dead, 0);
        (shown["is_paused"] == true, stored.ready)
    };

    store(&inbox, "n-1").await;
    assert_eq!(ready().await, (false, 0), "it is handled");
    let page = at.post_page("action=pause").await;
    let said = "workers of this process claim nothing any more";
    assert!(page.contains(said), "{page}");
    // The claim that was under way ends first.
    assert_eq!(ready().await, (true, 0));
    for id in ["n-2", "n-3"] {
        store(&inbox, id).await;
    }
    for _ in 0..3 {
        assert_eq!(ready().await, (true, 2), "nothing is claimed");
    }
    let page = at.get("?page=dead").await.1;
    assert!(page.contains("Workers of this process claim nothing."));
    at.post("action=resume").await;
    assert_eq!(ready().await, (false, 0), "they are handled");
}
