//! Metrics and events.

use serde_json::Value;

use super::*;
use crate::observe::Told;

fn events(told: &Told) -> Vec<&Value> {
    let events = told.events();
    let of_health = |event: &&&Value| event["fields"].get("health").is_some();
    events.iter().filter(of_health).copied().collect()
}

#[test]
fn each_change_is_an_event_and_a_gauge() {
    let told = Told::by(|| {
        let scene = Scene::new(secrets());
        scene.traffic(400, 3 * SECOND, 0);
        scene.traffic(300, 3 * SECOND, 100);
        scene.health.status();
    });
    let seen: Vec<_> = events(&told)
        .iter()
        .map(|event| {
            let fields = &event["fields"];
            assert_eq!(fields["destination"], "default");
            assert_eq!(fields["cause"], "failures");
            (
                event["level"].as_str().unwrap(),
                fields["before"].as_str().unwrap(),
                fields["health"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("WARN", "ok", "notice"),
            ("WARN", "notice", "warning"),
            ("ERROR", "warning", "error"),
            ("ERROR", "error", "critical"),
        ]
    );
    for sample in [
        r#"nylas_webhook_health_level{destination="default",cause="failures"} 4"#,
        r#"nylas_webhook_health_level{destination="default",cause="quiet"} 0"#,
        r#"nylas_webhook_health_failure_ratio{destination="default",window="5m"} 1"#,
        r#"nylas_webhook_health_failure_ratio{destination="default",window="72h"} 0.42857142857142855"#,
    ] {
        assert!(told.metrics.contains(sample), "{sample}: {}", told.metrics);
    }
}

#[test]
fn so_is_a_recovery_also_of_a_destination_that_is_forgotten() {
    let told = Told::by(|| {
        let scene = Scene::running(SecretSource::lookup(|_| Ok(Some(secrets()))));
        scene.forge();
        scene.clock.run_for(2 * MINUTE);
        scene.clock.run_for(24 * HOUR);
        assert!(scene.health.status().destinations.is_empty());
    });
    let levels: Vec<_> = events(&told)
        .iter()
        .map(|event| (&event["level"], &event["fields"]["health"]))
        .map(|(level, health)| (level.as_str().unwrap(), health.as_str().unwrap()))
        .collect();
    assert_eq!(levels, [("WARN", "warning"), ("INFO", "ok")]);
    // Nothing of it was ever verified, so a stranger may have chosen it.
    let gone = r#"nylas_webhook_health_level{destination="other",cause="mismatches"} 0"#;
    assert!(told.metrics.contains(gone), "{}", told.metrics);
    assert!(!told.metrics.contains("default"), "{}", told.metrics);
}

/// As soon as something is verified.
#[test]
fn what_was_told_of_another_one_is_not_told_twice_once_it_has_series_of_its_own() {
    let told = Told::by(|| {
        let scene = Scene::running(SecretSource::lookup(|_| Ok(Some(secrets()))));
        for _ in 0..3 {
            scene.forge();
        }
        scene.clock.run_for(2 * MINUTE);
        assert_eq!(scene.level_of(Cause::Mismatches), Level::Critical);
        scene.deliver(200, 1);
        scene.clock.run_for(MINUTE);
    });
    for sample in [
        r#"nylas_webhook_health_level{destination="other",cause="mismatches"} 0"#,
        r#"nylas_webhook_health_level{destination="default",cause="mismatches"} 0"#,
    ] {
        assert!(told.metrics.contains(sample), "{sample}: {}", told.metrics);
    }
}

#[test]
fn unexpected_challenges_are_counted_and_one_is_told() {
    let told = Told::by(|| {
        let scene = Scene::new(secrets());
        for _ in 0..7 {
            scene.challenge();
            scene.clock.run_for(MINUTE);
        }
    });
    let events = events(&told);
    assert_eq!(events.len(), 1, "{}", told.log);
    assert_eq!(events[0]["level"], "WARN");
    assert_eq!(events[0]["fields"]["cause"], "challenge");
    let count = "nylas_webhook_health_unexpected_challenges_total 7\n";
    assert!(told.metrics.contains(count), "{}", told.metrics);
}

/// The answer is given, and what was recorded counts.
#[test]
fn a_recorder_that_panics_harms_nobody() {
    struct Panics;

    impl metrics::Recorder for Panics {
        fn describe_counter(
            &self,
            _: metrics::KeyName,
            _: Option<metrics::Unit>,
            _: metrics::SharedString,
        ) {
        }
        fn describe_gauge(
            &self,
            _: metrics::KeyName,
            _: Option<metrics::Unit>,
            _: metrics::SharedString,
        ) {
        }
        fn describe_histogram(
            &self,
            _: metrics::KeyName,
            _: Option<metrics::Unit>,
            _: metrics::SharedString,
        ) {
        }
        fn register_counter(
            &self,
            _: &metrics::Key,
            _: &metrics::Metadata<'_>,
        ) -> metrics::Counter {
            metrics::Counter::noop()
        }
        fn register_gauge(&self, _: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Gauge {
            panic!("the application's recorder")
        }
        fn register_histogram(
            &self,
            _: &metrics::Key,
            _: &metrics::Metadata<'_>,
        ) -> metrics::Histogram {
            metrics::Histogram::noop()
        }
    }

    let scene = Scene::new(secrets());
    scene.clock.run_for(5 * MINUTE);
    metrics::with_local_recorder(&Panics, || scene.traffic(20, SECOND, 100));
    assert_eq!(scene.level(), Level::Critical);
}
