//! The ratios, from criterion's own estimates of this run.

use std::{env, fs, path::PathBuf};

use serde_json::Value;

use crate::bodies::SIZES;

pub(crate) fn print() {
    println!("\nmedians of the last runs; cost = ours - pass-through - floor\n");
    println!(
        "{:>6} {:>12} {:>12} {:>12} {:>12} {:>14} {:>14} {:>14} {:>14}",
        "size",
        "floor",
        "verify cost",
        "+ router",
        "minimal",
        "frames/floor",
        "handwritten",
        "standardwh.",
        "webhook-verify"
    );
    for (size, _) in SIZES {
        let verify = |what: &str| median(&format!("verify/{what}/{size}"));
        let (Some(floor), Some(pass)) = (verify("floor"), verify("pass_through")) else {
            continue;
        };
        let cost = |what| verify(what).map(|ours| ours - pass - floor);
        let frames = verify("frames_with_length").map(|ours| (ours - pass) / floor);
        let ours = verify("secrets_verify");
        let against = |what| Some(verify(what)? / ours?);
        println!(
            "{size:>6} {:>12} {:>12} {:>12} {:>12} {:>14} {:>14} {:>14} {:>14}",
            time(Some(floor)),
            time(cost("layer")),
            time(cost("layer_and_router")),
            time(cost("minimal")),
            ratio(frames),
            ratio(against("peer_handwritten")),
            ratio(against("peer_standardwebhooks")),
            ratio(against("peer_webhook_verify")),
        );
    }

    println!(
        "\n{:>6} {:>12} {:>12} {:>18}",
        "size", "whole stack", "Value", "borrowed envelope"
    );
    for (size, _) in SIZES {
        let stack = |what: &str| median(&format!("stack/{what}/{size}"));
        let ours = stack("ours");
        let against = |what| Some(stack(what)? / ours?);
        println!(
            "{size:>6} {:>12} {:>12} {:>18}",
            time(ours),
            ratio(against("peer_value")),
            ratio(against("peer_borrowed_envelope")),
        );
    }

    println!();
    for what in ["unsigned", "malformed", "forged"] {
        let over = || {
            let pass = median(&format!("reject/{what}_pass_through"))?;
            Some(median(&format!("reject/{what}"))? - pass)
        };
        println!("{what:>10}: {} over the pass-through", time(over()));
    }
    for what in ["oversized", "challenge"] {
        println!(
            "{what:>10}: {} in all",
            time(median(&format!("reject/{what}")))
        );
    }
    print_observation();
}

/// What observation costs beyond the recorder's own calls.
fn print_observation() {
    let observe = |what: &str| median(&format!("observe/{what}"));
    let over = || {
        let alone = observe("prometheus_alone")?;
        Some(observe("prometheus")? - observe("unread")? - alone)
    };
    println!(
        "\nobserved by Prometheus: {} over unread and the recorder's own {}",
        time(over()),
        time(observe("prometheus_alone"))
    );
    let health = |with: &str, without: &str| Some(observe(with)? - observe(without)?);
    println!(
        "observed by a health: {} over unread, {} beside Prometheus",
        time(health("health", "unread")),
        time(health("prometheus_and_health", "prometheus"))
    );
}

/// Nanoseconds.
fn median(id: &str) -> Option<f64> {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target"),
        PathBuf::from,
    );
    let path = target.join("criterion").join(id).join("new/estimates.json");
    let estimates: Value = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    estimates["median"]["point_estimate"].as_f64()
}

fn time(nanoseconds: Option<f64>) -> String {
    match nanoseconds {
        Some(ns) if ns.abs() < 1e3 => format!("{ns:.0} ns"),
        Some(ns) if ns.abs() < 1e6 => format!("{:.2} us", ns / 1e3),
        Some(ns) => format!("{:.2} ms", ns / 1e6),
        None => "not run".to_owned(),
    }
}

fn ratio(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "not run".to_owned(), |ratio| format!("{ratio:.3} x"))
}
