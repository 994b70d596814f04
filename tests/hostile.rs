//! Everybody attacks at once, and nothing genuine is lost: the program `siege` in small, within one
//! process. How much memory the whole server takes only the program judges.

use std::{net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use tokio::{
    net::TcpListener,
    runtime::{self, Runtime},
    time::{sleep, timeout},
};
use tower_nylas::MemoryBudget;
use tower_nylas_kit::{
    delivery::SECRET,
    siege::{
        attack::{Kind, Strength, attack},
        genuine::Sender,
        sample::Sample,
        server::{self, Counters},
    },
};

/// A little longer than the read timeout, so that slow bodies meet that as well.
const TIME: Duration = Duration::from_secs(4);

const BUDGET: usize = 16 * 1024 * 1024;

/// Longer than any deadline of the layer and of the server.
const UNTIL_QUIET: Duration = Duration::from_secs(30);

/// The server, in a runtime of its own, in which nothing else has tasks.
struct Besieged {
    runtime: Runtime,
    address: SocketAddr,
    budget: MemoryBudget,
    counters: Arc<Counters>,
}

impl Besieged {
    fn start() -> Self {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let budget = MemoryBudget::new(BUDGET);
        let layer = server::layer(budget.clone()).unwrap();
        let counters = Arc::<Counters>::default();
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0)));
        let listener = listener.unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(server::serve(listener, layer, counters.clone()));
        Self {
            runtime,
            address,
            budget,
            counters,
        }
    }

    fn sample(&self) -> Sample {
        Sample::take(self.runtime.handle(), &self.budget, &self.counters)
    }
}

#[test]
fn nothing_genuine_is_lost_under_attack() {
    let server = Besieged::start();
    let clients = runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let sender = Sender::new(server.address, SECRET).unwrap();
    let strength = Strength {
        kinds: Kind::ALL.map(|(kind, ..)| kind).to_vec(),
        connections: 100,
        bytes_per_second: BUDGET / 2,
    };

    let before = server.sample();
    let (attacks, most_held) = clients.block_on(async {
        let mut most_held = 0;
        let mut play = pin!(async {
            let attacking = attack(server.address, &strength, TIME);
            tokio::join!(attacking, sender.run(20, 8, TIME)).0
        });
        loop {
            tokio::select! {
                attacks = &mut play => break (attacks, most_held),
                () = sleep(Duration::from_millis(20)) => {
                    most_held = most_held.max(server.sample().held);
                }
            }
        }
    });
    let after = clients.block_on(async {
        let quiet = async {
            while !server.sample().is_back_to(&before) {
                sleep(Duration::from_millis(20)).await;
            }
        };
        // What is left then is told by the assertions.
        let _ = timeout(UNTIL_QUIET, quiet).await;
        server.sample()
    });

    let record = std::mem::take(&mut *sender.record());
    assert!(record.sent > 0, "{record:?}");
    assert_eq!(record.lost, 0, "{record:?}");
    assert!(record.challenges > 0, "{record:?}");
    assert_eq!(record.challenges_failed, 0, "{record:?}");
    let accepted = record.at_once + record.retried;
    assert!(after.handled >= accepted, "{after} for {record:?}");
    assert_eq!(after.intruders, 0, "{after}");

    assert!(most_held > 0 && most_held <= BUDGET as u64, "{most_held}");
    assert_eq!(after.held, 0, "{after}");
    assert_eq!(after.tasks, before.tasks, "{after}");
    assert_eq!(after.descriptors, before.descriptors, "{after}");

    for (kind, tally) in attacks {
        assert!(tally.requests > 0, "{kind}: {tally:?}");
        let refused = |status: &u16| [401, 408, 413, 503].contains(status);
        assert!(tally.statuses.keys().all(refused), "{kind}: {tally:?}");
    }
}
