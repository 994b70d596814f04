//! What the compiler says about handlers that do not fit: each file of `tests/ui` fails to compile,
//! with the lines that stand behind its `//~`.
//!
//! Not with trybuild, which compares the whole output: most of it is the compiler's own and differs
//! from version to version, and trybuild would check all development dependencies again. Here one
//! run of `cargo check` looks at all files, with the dependencies that they name, and only what this
//! crate wrote, or what a user needs of the rest, has to be there. What the compiler printed is in
//! `target/tmp/ui/output`.

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui");
    let files = fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

fn name(file: &Path) -> &str {
    file.file_stem().unwrap().to_str().unwrap()
}

/// A package with a binary for each case.
fn package(folder: &Path, cases: &[PathBuf]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut manifest = format!(
        r#"
            [package]
            name = "ui"
            edition = "2024"
            [workspace]
            [dependencies]
            axum = {{ version = "0.8", default-features = false, features = ["json"] }}
            http = "1"
            serde = {{ version = "1", features = ["derive"] }}
            [dependencies.tower-nylas]
            path = {:?}
            default-features = false
            features = ["router", "tokio"]
        "#,
        root.to_str().unwrap()
    );
    for file in cases {
        let (name, path) = (name(file), file.to_str().unwrap());
        writeln!(manifest, "[[bin]]\nname = {name:?}\npath = {path:?}").unwrap();
    }
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    // The versions that are there already, so that nothing has to be downloaded.
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
}

/// What the compiler prints, by the name of the case.
fn check(folder: &Path) -> BTreeMap<String, String> {
    let checked = Command::new(env!("CARGO"))
        .args([
            "check",
            "--offline",
            "--bins",
            "--keep-going",
            "--message-format=json",
        ])
        .arg("--target-dir")
        .arg(folder.join("target"))
        .current_dir(folder)
        .env_remove("RUSTFLAGS")
        .output()
        .unwrap();
    let mut printed = BTreeMap::<String, String>::new();
    for line in String::from_utf8(checked.stdout).unwrap().lines() {
        let message: Value = serde_json::from_str(line).unwrap();
        if let Some(rendered) = message["message"]["rendered"].as_str() {
            let target = message["target"]["name"].as_str().unwrap();
            *printed.entry(target.to_owned()).or_default() += rendered;
        }
    }
    let log = String::from_utf8_lossy(&checked.stderr);
    assert!(!printed.is_empty(), "nothing was checked:\n{log}");
    printed
}

#[test]
fn a_handler_that_does_not_fit_is_explained() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ui");
    let cases = cases();
    package(&folder, &cases);
    let printed = check(&folder);
    let all: String = printed.values().map(String::as_str).collect();
    fs::write(folder.join("output"), all).unwrap();

    let mut failures = Vec::new();
    for file in &cases {
        let printed = printed.get(name(file)).map_or("", String::as_str);
        let source = fs::read_to_string(file).unwrap();
        let expected: Vec<&str> = source
            .lines()
            .filter_map(|line| line.strip_prefix("//~ "))
            .collect();
        assert!(!expected.is_empty(), "{file:?} expects nothing");
        let plain = flatten(printed);
        for line in expected {
            if !plain.contains(line) {
                failures.push(format!("{}: `{line}` is not in\n{printed}", name(file)));
            }
        }
        // A handler's mistake is one error, which stands where the handler is added.
        let errors = printed
            .lines()
            .filter(|line| line.starts_with("error") && !line.contains("aborting"))
            .count();
        if errors != 1 || !plain.contains(".on(") {
            failures.push(format!("{}: {errors} errors\n{printed}", name(file)));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// On one line.
fn flatten(printed: &str) -> String {
    printed.split_whitespace().collect::<Vec<_>>().join(" ")
}
