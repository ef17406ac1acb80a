//! What `mukta-ftps --version` says of a release: the commit, and the day on which it was built.
//!
//! `SOURCE_COMMIT` says which commit it is where there is no git; `SOURCE_DATE_EPOCH` makes a build that can be repeated.

use std::process::Command;

use chrono::{DateTime, Utc};

fn main() {
    for name in ["SOURCE_COMMIT", "SOURCE_DATE_EPOCH"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    println!("cargo::rerun-if-changed=build.rs");
    let version = env("CARGO_PKG_VERSION").unwrap_or_default();
    // Every commit would build everything anew.
    let told = match env("PROFILE").as_deref() {
        Some("release") => format!("{version} ({}, built on {})", commit(), built_on().format("%Y-%m-%d")),
        _ => format!("{version} (a development build)"),
    };
    println!("cargo::rustc-env=VERSION={told}");
}

fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn built_on() -> DateTime<Utc> {
    let epoch = env("SOURCE_DATE_EPOCH").and_then(|seconds| seconds.parse().ok());
    epoch.and_then(|seconds| DateTime::from_timestamp(seconds, 0)).unwrap_or_else(Utc::now)
}

fn commit() -> String {
    if let Some(commit) = env("SOURCE_COMMIT") {
        return format!("commit {commit}");
    }
    for watched in ["HEAD", "logs/HEAD", "index"] {
        if let Some(path) = git(&["rev-parse", "--git-path", watched]) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else {
        return "commit not known".to_owned();
    };
    let changed =
        git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|told| !told.is_empty());
    format!("commit {commit}{}", if changed { ", and changes" } else { "" })
}

/// What git says in one line, where there is a git.
fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
