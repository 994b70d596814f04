//! For random requests, frames, times, secrets and handlers, the stack answers as the reference
//! implementation says.

#![cfg(all(feature = "gzip", feature = "testing"))]
#![allow(missing_docs)]

mod reference;

use std::collections::BTreeSet;

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use crate::reference::{generate, predict, stage};

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..500)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn the_stack_answers_as_the_reference_does(bytes in bytes()) {
        stage::play(&generate::scenario(&bytes));
    }
}

/// Otherwise the property above would hold of much less than it seems to.
#[test]
fn scenarios_lead_to_every_kind_of_answer() {
    let mut runner = TestRunner::deterministic();
    let mut kinds = BTreeSet::new();
    let (mut routes, mut statuses) = (BTreeSet::new(), BTreeSet::new());
    for _ in 0..2000 {
        let bytes = bytes().new_tree(&mut runner).unwrap().current();
        for prediction in predict(&generate::scenario(&bytes)) {
            kinds.insert(format!("{:?}", prediction.kind));
            statuses.insert(prediction.status);
            routes.extend(prediction.handled.map(|(route, _)| route));
        }
    }
    assert_eq!(kinds.len(), 1 + 13 + 12, "{kinds:#?}");
    assert!(routes.len() > 4, "{routes:?}");
    for status in [200, 400, 401, 405, 408, 413, 429, 503] {
        assert!(statuses.contains(&status), "{status} never comes");
    }
    assert!(statuses.len() > 8, "no client error is passed on");
}
