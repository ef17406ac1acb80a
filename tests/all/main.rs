//! The program driven from outside: its pages over HTTP and its commands, against the simulators,
//! on both databases.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on says so by panicking

#[macro_use]
mod support;

mod access;
mod commands;
mod pages;
mod refresh;
mod secrets;
