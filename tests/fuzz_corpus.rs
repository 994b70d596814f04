//! Replays the corpora of the fuzz targets on a stable toolchain, among them every input that has
//! ever found something.

#![cfg(all(feature = "gzip", feature = "testing"))]
#![allow(unreachable_pub)]

mod reference;

#[path = "../fuzz/src/challenge_query.rs"]
mod challenge_query;
#[path = "../fuzz/src/envelope_reader.rs"]
mod envelope_reader;
#[path = "../fuzz/src/gzip.rs"]
mod gzip;
#[path = "../fuzz/src/signature_header.rs"]
mod signature_header;
#[path = "../fuzz/src/stack.rs"]
mod stack;
#[path = "../fuzz/src/tree.rs"]
mod tree;
#[path = "../fuzz/src/typed_objects.rs"]
mod typed_objects;

use std::{fs, panic::catch_unwind};

fn replay(target: &str, run: fn(&[u8])) {
    run_all(&format!("fuzz/corpus/{target}"), run);
}

fn run_all(folder: &str, run: fn(&[u8])) {
    let folder = format!("{}/{folder}", env!("CARGO_MANIFEST_DIR"));
    let mut replayed = 0;
    for entry in fs::read_dir(&folder).expect("the corpus is there") {
        let path = entry.unwrap().path();
        let input = fs::read(&path).unwrap();
        let outcome = catch_unwind(|| run(&input));
        assert!(outcome.is_ok(), "{}", path.display());
        replayed += 1;
    }
    assert_ne!(replayed, 0, "{folder} is empty");
}

mod replays {
    use super::{replay, run_all};

    /// The samples are seeds as well.
    #[test]
    fn samples() {
        for version in ["v2", "v3"] {
            let folder = format!("tests/fixtures/{version}");
            run_all(&folder, crate::envelope_reader::run);
            run_all(&folder, crate::typed_objects::run);
        }
    }

    #[test]
    fn signature_header() {
        replay("signature_header", crate::signature_header::run);
    }

    #[test]
    fn challenge_query() {
        replay("challenge_query", crate::challenge_query::run);
    }

    #[test]
    fn envelope_reader() {
        replay("envelope_reader", crate::envelope_reader::run);
    }

    #[test]
    fn typed_objects() {
        replay("typed_objects", crate::typed_objects::run);
    }

    #[test]
    fn gzip() {
        replay("gzip", crate::gzip::run);
    }

    #[test]
    fn stack() {
        replay("stack", crate::stack::run);
    }
}
