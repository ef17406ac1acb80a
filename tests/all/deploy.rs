//! What an operator installs: the package, the unit, the proxy's configuration, the image, and the commands of
//! docs/OPERATIONS.md. `./scripts/test` installs what it takes; it takes root.

use std::path::Path;
use std::process::{Command, Output};

use mukta_ftps::settings::not_part_of_a_value;

use crate::support::{stderr, stdout};

/// A script of ours on the program that is tested; it must end well.
fn script(name: &str, args: &[&str]) -> String {
    let output = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts").join(name))
        .args(args)
        .arg(env!("CARGO_BIN_EXE_mukta-ftps"))
        .output()
        .unwrap();
    said(&output)
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}\n{}", stdout(output), stderr(output));
    stdout(output)
}

fn tool(name: &str, args: &[&str]) -> Output {
    Command::new(name).args(args).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap()
}

#[test]
fn the_operations_document_leads_from_nothing_to_one_machine_with_sqlite() {
    println!("{}", script("operations", &["a"]));
}

#[test]
fn the_operations_document_leads_from_nothing_to_two_processes_on_postgresql() {
    println!("{}", script("operations", &["b"]));
}

#[test]
fn the_image_runs_as_nobody_on_a_file_system_that_is_only_read() {
    println!("{}", script("image", &[]));
}

/// What OPERATIONS.md says that each thing takes, and not twice as much, is what it takes.
#[test]
fn the_database_grows_as_the_document_says() {
    let document =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/OPERATIONS.md")).unwrap();
    let table = document.split("## How it grows").nth(1).unwrap();
    let told = script("growth", &[]);
    println!("{told}");
    for (row, name) in [
        ("a pair", "pair"),
        ("a call", "call"),
        ("a payment", "paid"),
        ("a message", "message"),
        ("a sign-in", "sign-in"),
    ] {
        let line = table.lines().find(|line| line.starts_with(&format!("| {row}"))).unwrap();
        let said: f64 = line.split('|').nth(2).unwrap().trim().split(' ').next().unwrap().parse().unwrap();
        let line = told.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
        let measured: f64 = line.split(' ').nth(1).unwrap().parse().unwrap();
        let ratio = measured / 1024.0 / said;
        assert!((0.5..2.0).contains(&ratio), "{row}: {measured} bytes, of which the document says {said} KB");
    }
}

/// 2.0 of 10 and below is what systemd calls OK; what is left is the network, which the service is there for.
#[test]
fn the_unit_is_valid_and_leaves_the_service_little() {
    const UNIT: &str = "deploy/mukta-ftps@.service";
    let verified = stderr(&tool("systemd-analyze", &["verify", UNIT]));
    let faults: Vec<_> = verified.lines().filter(|line| !line.contains("is not executable")).collect();
    assert!(faults.is_empty(), "{faults:?}");
    let judged = said(&tool("systemd-analyze", &["security", "--offline=true", "--threshold=20", UNIT]));
    println!("{}", judged.lines().last().unwrap());
}

/// A stop takes as long as the unit gives it, and the Dockerfile and the unit know the same settings.
#[test]
fn the_unit_waits_longer_than_a_stop_takes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let unit = std::fs::read_to_string(root.join("deploy/mukta-ftps@.service")).unwrap();
    let image = std::fs::read_to_string(root.join("deploy/Dockerfile")).unwrap();
    // What the last stage sets is the program's; the first only builds.
    let runs = image.rsplit("\nFROM ").next().unwrap();
    let waits: u32 = unit.split("\nTimeoutStopSec=").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
    let help =
        stdout(&Command::new(env!("CARGO_BIN_EXE_mukta-ftps")).args(["serve", "--help"]).output().unwrap());
    let stop = help.split("STOP_SECONDS=").nth(1).unwrap().split("[default:").nth(1).unwrap();
    let stop: u32 = stop.split(']').next().unwrap().trim().parse().unwrap();
    assert!(waits > stop + 5, "{waits} s, of which {stop} s are the program's");
    let settings = unit
        .lines()
        .filter_map(|line| line.strip_prefix("Environment="))
        .chain(runs.lines().filter_map(|line| line.strip_prefix("ENV ")))
        .map(|setting| setting.split_once('=').unwrap().0);
    let example = std::fs::read_to_string(root.join("deploy/environment")).unwrap();
    let settings: Vec<&str> = settings.chain(example.lines().filter_map(named)).collect();
    assert!(settings.len() > 20, "settings are named: {settings:?}");
    for name in settings {
        assert!(
            help.contains(&format!("[env: {name}")) || help.contains(&format!("          {name}")),
            "{name}"
        );
    }
}

/// systemd and `docker --env-file` keep what stands behind a value.
#[test]
fn every_setting_that_a_document_shows_can_be_pasted() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut shown = 0;
    for document in ["README.md", "docs/OPERATIONS.md", "docs/INTEGRATION.md", "docs/sms.md", "docs/sync.md"]
    {
        let text = std::fs::read_to_string(root.join(document)).unwrap();
        for (name, value) in text.lines().filter_map(|line| line.trim().split_once('=')) {
            if name.len() > 3 && name.chars().all(|c| c.is_ascii_uppercase() || c == '_') {
                assert_eq!(not_part_of_a_value(name, value), None, "{document}: {name}={value}");
                shown += 1;
            }
        }
    }
    assert!(shown > 10, "settings are shown: {shown}");
}

/// The setting that a line of the example sets, or would set.
fn named(line: &str) -> Option<&str> {
    let (name, value) = line.trim_start_matches('#').split_once('=')?;
    let is_setting = name.len() > 3 && name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    assert!(!is_setting || !value.contains([' ', '"', '\'', '#']), "{line}");
    is_setting.then_some(name)
}
