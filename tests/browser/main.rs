//! The program in a real browser: Debian's Chromium, driven through chromedriver. What only a
//! browser shows is tested here; `./scripts/test` installs what it takes.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on says so by panicking

#[path = "../all/support.rs"]
#[allow(dead_code, unused_macros)] // some of it only the tests without a browser use
mod support;

mod accessible;
mod chromium;
mod light;
mod live;
mod stage;
mod story;
