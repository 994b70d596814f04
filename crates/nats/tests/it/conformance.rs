//! The engine does what every engine has to do, but for what it is exempt from, which `exempt`
//! shows. Leases and windows are the server's, so the suite runs in real time, each case as a test
//! of its own.

use std::{sync::Arc, time::Duration};

use libtest_mimic::Trial;
use tokio::runtime::Runtime;
use tower_nylas::{
    inbox::{
        Task,
        conformance::{self, Engine, Options},
    },
    time::{Timer, TokioTimer},
};
use tower_nylas_kit::inbox::trial;
use tower_nylas_nats::NatsInbox;

use crate::server;

struct Nats(String);

impl Engine for Nats {
    type Inbox = NatsInbox;

    async fn open(&self, options: Options) -> NatsInbox {
        let builder = server::builder()
            .lease(options.lease)
            .window(options.window)
            .max_bytes(options.max_bytes as u64);
        builder.open(&self.0).await.unwrap()
    }

    fn timer(&self) -> Arc<dyn Timer> {
        Arc::new(TokioTimer)
    }

    fn spawner(&self) -> Arc<dyn Fn(Task) + Send + Sync> {
        Arc::new(|task| drop(tokio::spawn(task)))
    }

    fn lease(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn fences(&self) -> bool {
        false
    }

    fn remembers_what_is_open(&self) -> bool {
        false
    }

    fn counts_each_state(&self) -> bool {
        false
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    let of_inbox = conformance::case_names().into_iter().map(|name| {
        let run = move || run(|engine| async move { conformance::run_case(&engine, name).await });
        trial(&format!("conformance::{name}"), server::is_there(), run)
    });
    let of_browse = conformance::browse_case_names().into_iter().map(|name| {
        let run =
            move || run(|engine| async move { conformance::run_browse_case(&engine, name).await });
        trial(&format!("conformance::{name}"), server::is_there(), run)
    });
    of_inbox.chain(of_browse).collect()
}

fn run<F: Future<Output = ()>>(case: impl FnOnce(Nats) -> F) {
    Runtime::new().unwrap().block_on(async {
        case(Nats(server::shared().await)).await;
    });
}
