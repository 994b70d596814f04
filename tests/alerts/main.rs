//! The rules of docs/alerts.yml, tried by Prometheus' own tool on courses of events.
//!
//! Where the tool is not installed, they are reported as ignored. `.ci/run` installs it.

use std::process::Command;

use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let arguments = Arguments::from_args();
    let is_missing = Command::new("promtool").arg("--version").output().is_err();
    let trial = Trial::test("rules", rules).with_ignored_flag(is_missing);
    libtest_mimic::run(&arguments, vec![trial]).exit();
}

fn rules() -> Result<(), Failed> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/alerts");
    let tried = Command::new("promtool")
        .args(["test", "rules", "cases.yml"])
        .current_dir(folder)
        .output()?;
    if tried.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&[tried.stdout, tried.stderr].concat()).into())
}
