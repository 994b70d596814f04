//! What observation costs: read by nobody, by a `Health` (feature `health`), and by a Prometheus
//! recorder, beside what that recorder takes for the same calls on handles that are at hand.

use std::{
    hint::black_box,
    time::{Duration, Instant, SystemTime},
};

use criterion::Criterion;
use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::PrometheusBuilder;
#[cfg(feature = "health")]
use tower_nylas::health::Health;
use tower_nylas::{
    Secrets, TriggerRouter, VerifiedBody, WebhookLayer,
    time::{Clock, Sleep, Timer},
};

use crate::{
    bodies::{Frames, SECRET, TypeAt, head, message, signature},
    drive::call,
};

/// tokio's clock is a slower one in this program, whose other dependencies ask for `test-util`.
struct StdTimer;

impl Clock for StdTimer {
    fn now(&self) -> Instant {
        Instant::now()
    }
}

impl Timer for StdTimer {
    fn sleep(&self, _: Duration) -> Sleep {
        unreachable!("nothing here waits")
    }
}

/// To be run last: a recorder cannot be taken away again.
pub(crate) fn bench(criterion: &mut Criterion) {
    let secrets = Secrets::new(SECRET).expect("the secret is good");
    let router = TriggerRouter::new().on("message.created", async |_: VerifiedBody| ());
    let layer = WebhookLayer::with_timer(secrets, StdTimer);
    let body = message(2_000, TypeAt::BeforeData);
    let head = head(&body, &signature(&body));
    let mut group = criterion.benchmark_group("observe");
    let mut whole_layer = |what: &str, layer: &WebhookLayer| {
        let service = layer.layer(router.clone());
        group.bench_function(what, |b| {
            b.iter(|| {
                let request = head.clone().map(|()| Frames::whole(body.clone()));
                assert_eq!(call(&service, request).status(), 200);
            });
        });
    };
    whole_layer("unread", &layer);
    #[cfg(feature = "health")]
    let healthy = layer.clone().health(&Health::with_timer(StdTimer));
    #[cfg(feature = "health")]
    whole_layer("health", &healthy);

    let recorder = PrometheusBuilder::new().build_recorder();
    let prometheus = recorder.handle();
    metrics::set_global_recorder(recorder).expect("there is no other recorder");
    whole_layer("prometheus", &layer);
    #[cfg(feature = "health")]
    whole_layer("prometheus_and_health", &healthy);

    let counters = ["a", "b", "c", "i"].map(|name| counter!(name));
    let gauge = gauge!("k");
    let histograms = ["d", "e", "f", "g", "h"].map(|name| histogram!(name));
    group.bench_function("prometheus_alone", |b| {
        b.iter(|| {
            for counter in &counters {
                counter.increment(1);
            }
            gauge.set(black_box(7.0));
            for histogram in &histograms {
                histogram.record(black_box(Duration::from_micros(7)));
            }
            black_box([Instant::now(), Instant::now(), Instant::now()]);
            black_box(SystemTime::now());
        });
    });
    group.finish();
    // What was recorded waits for the next scrape.
    prometheus.run_upkeep();
}
