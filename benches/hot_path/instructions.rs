//! Instructions per request, counted by callgrind: the same on a noisy machine as on a quiet one.
//!
//! ```text
//! cargo bench --all-features --bench instructions
//! ```
//!
//! Needs valgrind. It knows no SHA extensions, so the hash takes its portable way and its share is
//! larger than in life; what counts are the differences, which do not depend on it. The program
//! starts itself under valgrind with two numbers of rounds for each scene, so that everything but
//! the rounds cancels out.

#[allow(dead_code)]
mod bodies;
mod drive;
mod minimal;

use std::{env, fs, hint::black_box, process::Command};

use bodies::{Frames, SECRET, TypeAt, head, message, signature};
use drive::{Nothing, call, runtime};
use hmac::{Hmac, KeyInit, Mac};
use minimal::Minimal;
use sha2::Sha256;
use tower_nylas::{
    Secrets, TriggerRouter, VerifiedBody, VerifySignatureLayer, WebhookLayer,
    notification::Envelope,
};

const SIZE: usize = 2_000;
const FEW: u64 = 100;
const MANY: u64 = 600;

const SCENES: [&str; 10] = [
    "floor",
    "pass_through",
    "verify",
    "verify_and_router",
    "webhook",
    "minimal",
    "peek",
    "typed",
    "unsigned",
    "frames",
];

fn main() {
    let arguments: Vec<String> = env::args().collect();
    match &arguments[..] {
        [_, scene, rounds] if scene != "--bench" => {
            play(scene, rounds.parse().expect("a number of rounds"));
        }
        _ => measure(),
    }
}

fn measure() {
    let own = env::current_exe().expect("the path of this program");
    let output = env::temp_dir().join(format!("callgrind.{}", std::process::id()));
    let count = |scene: &str, rounds: u64| -> Option<u64> {
        let status = Command::new("valgrind")
            .args(["--tool=callgrind", "-q"])
            .arg(format!("--callgrind-out-file={}", output.display()))
            .arg(&own)
            .args([scene, &rounds.to_string()])
            .status();
        let counted = fs::read_to_string(&output).ok();
        let _ = fs::remove_file(&output);
        if !status.is_ok_and(|status| status.success()) {
            return None;
        }
        let summary = counted?;
        let line = summary
            .lines()
            .find_map(|line| line.strip_prefix("summary: "))?;
        line.trim().parse().ok()
    };
    let per_request = |scene| Some((count(scene, MANY)? - count(scene, FEW)?) / (MANY - FEW));
    let mut counts = [0; SCENES.len()];
    println!("{:>20} {:>14}", "scene", "instructions");
    for (slot, scene) in counts.iter_mut().zip(SCENES) {
        let Some(counted) = per_request(scene) else {
            println!("valgrind is not there, or failed: nothing was counted");
            return;
        };
        *slot = counted;
        println!("{scene:>20} {counted:>14}");
    }
    let [
        floor,
        pass_through,
        verify,
        routed,
        webhook,
        minimal,
        _,
        _,
        unsigned,
        frames,
    ] = counts;
    println!("\nover the pass-through and the floor:");
    for (scene, counted) in [
        ("verify", verify),
        ("verify_and_router", routed),
        ("webhook", webhook),
        ("minimal", minimal),
        ("frames", frames),
    ] {
        println!(
            "{scene:>20} {:>14}",
            counted.saturating_sub(pass_through + floor)
        );
    }
    println!("\nover the pass-through:");
    println!(
        "{:>20} {:>14}",
        "unsigned",
        unsigned.saturating_sub(pass_through)
    );
}

fn play(scene: &str, rounds: u64) {
    let body = message(SIZE, TypeAt::BeforeData);
    let hex = signature(&body);
    let head = head(&body, &hex);
    let secrets = Secrets::new(SECRET).expect("the secret is good");
    let request = || head.clone().map(|()| Frames::whole(body.clone()));
    let router = || TriggerRouter::new().on("message.created", async |_: VerifiedBody| ());
    let runtime = runtime();
    let _entered = runtime.enter();
    let repeat = |round: &mut dyn FnMut()| (0..rounds).for_each(|_| round());
    match scene {
        "floor" => {
            let key = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any key");
            let mut expected = [0; 32];
            hex::decode_to_slice(&hex, &mut expected).expect("hex");
            repeat(&mut || {
                let mut mac = key.clone();
                mac.update(black_box(&body));
                mac.verify_slice(&expected).expect("genuine");
            });
        }
        "pass_through" => repeat(&mut || drop(black_box(call(&Nothing, request())))),
        "verify" => {
            let service = VerifySignatureLayer::new(secrets).layer(Nothing);
            repeat(&mut || drop(black_box(call(&service, request()))));
        }
        "verify_and_router" => {
            let service = VerifySignatureLayer::new(secrets).layer(router());
            repeat(&mut || drop(black_box(call(&service, request()))));
        }
        "webhook" => {
            let service = WebhookLayer::new(secrets).layer(router());
            repeat(&mut || drop(black_box(call(&service, request()))));
        }
        #[cfg(feature = "metrics")]
        "observed" => {
            let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
            metrics::set_global_recorder(recorder).expect("there is no other recorder");
            let service = WebhookLayer::new(secrets).layer(router());
            repeat(&mut || drop(black_box(call(&service, request()))));
        }
        "minimal" => {
            let service = Minimal::new();
            repeat(&mut || drop(black_box(call(&service, request()))));
        }
        "frames" => {
            let service = VerifySignatureLayer::new(secrets).layer(Nothing);
            repeat(&mut || {
                let frames = Frames::split_at(body.clone(), 512);
                drop(black_box(call(&service, head.clone().map(|()| frames))));
            });
        }
        "unsigned" => {
            let service = WebhookLayer::new(secrets).layer(router());
            let mut head = head.clone();
            head.headers_mut().remove("x-nylas-signature");
            repeat(&mut || {
                let request = head.clone().map(|()| Frames::whole(body.clone()));
                drop(black_box(call(&service, request)));
            });
        }
        "peek" => {
            use tower_nylas::Signature;
            let signature = Signature::from_hex(&hex).expect("hex");
            let body = VerifiedBody::verify(body, &signature, &secrets).expect("genuine");
            repeat(&mut || {
                let envelope = Envelope::peek(black_box(&body)).expect("an envelope");
                black_box(envelope.id());
            });
        }
        "typed" => {
            use tower_nylas::{Notification, Signature, notification::object::Message};
            let signature = Signature::from_hex(&hex).expect("hex");
            let body = VerifiedBody::verify(body, &signature, &secrets).expect("genuine");
            repeat(&mut || {
                let notification = Notification::<Message>::try_from(black_box(body.clone()));
                drop(black_box(notification.expect("a message")));
            });
        }
        unknown => panic!("no scene {unknown}"),
    }
}
