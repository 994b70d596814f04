//! The program, as a user starts it.

use tower_nylas_kit::program::Program;

const SIEGE: &str = env!("CARGO_BIN_EXE_siege");

/// A small one; how the server fares under a large one is not for a busy machine to judge.
#[tokio::test]
async fn a_small_siege_passes() {
    let small = "--seconds 3 --connections 100 --rate 8 --budget 32 --genuine 20";
    let small: Vec<_> = small.split(' ').collect();
    let ended = Program::start(SIEGE, &small, &[]).end().await;
    assert!(ended.status.success(), "{ended:?}");
    assert!(ended.last_line().starts_with("PASS: "), "{ended:?}");

    let help = Program::start(SIEGE, &["--help"], &[]).end().await;
    assert!(help.status.success(), "{help:?}");
    let wrong = Program::start(SIEGE, &["--seconds", "soon"], &[])
        .end()
        .await;
    assert_eq!(wrong.status.code(), Some(2), "{wrong:?}");
}

/// A promise that was not put to the test was not kept.
#[tokio::test]
async fn a_siege_without_attackers_fails() {
    let nobody = "--seconds 1 --connections 0 --only slow,forged";
    let nobody: Vec<_> = nobody.split(' ').collect();
    let ended = Program::start(SIEGE, &nobody, &[]).end().await;
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let verdict = "FAIL: the attack slow did not take place";
    assert_eq!(ended.last_line(), verdict, "{ended:?}");
}
