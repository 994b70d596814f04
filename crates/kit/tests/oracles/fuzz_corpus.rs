//! Replays the corpora of the fuzz targets on a stable toolchain, among them every input that has
//! ever found something.

use std::{fs, panic::catch_unwind, path::Path};

use tower_nylas_kit::fuzz;

fn replay(target: &str, run: fn(&[u8])) {
    run_all(&format!("fuzz/corpus/{target}"), |_| true, run);
}

fn run_all(folder: &str, is_input: fn(&Path) -> bool, run: fn(&[u8])) {
    let folder = format!("{}/../../{folder}", env!("CARGO_MANIFEST_DIR"));
    let mut replayed = 0;
    for entry in fs::read_dir(&folder).expect("the corpus is there") {
        let path = entry.unwrap().path();
        if !is_input(&path) {
            continue;
        }
        let input = fs::read(&path).unwrap();
        let outcome = catch_unwind(|| run(&input));
        assert!(outcome.is_ok(), "{}", path.display());
        replayed += 1;
    }
    assert_ne!(replayed, 0, "{folder} is empty");
}

/// The samples are seeds as well.
#[test]
fn samples() {
    for folder in ["src/testing/samples", "src/testing/samples/v2"] {
        let is_sample = |path: &Path| path.extension().is_some_and(|it| it == "json");
        run_all(folder, is_sample, fuzz::envelope_reader::run);
        run_all(folder, is_sample, fuzz::typed_objects::run);
    }
}

#[test]
fn signature_header() {
    replay("signature_header", fuzz::signature_header::run);
}

#[test]
fn challenge_query() {
    replay("challenge_query", fuzz::challenge_query::run);
}

#[test]
fn envelope_reader() {
    replay("envelope_reader", fuzz::envelope_reader::run);
}

#[test]
fn typed_objects() {
    replay("typed_objects", fuzz::typed_objects::run);
}

#[test]
fn gzip() {
    replay("gzip", fuzz::gzip::run);
}

#[test]
fn stack() {
    replay("stack", fuzz::stack::run);
}
