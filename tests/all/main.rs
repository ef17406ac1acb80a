//! The program driven from outside: its pages over HTTP and its commands, against the simulators,
//! on both databases.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on says so by panicking

#[macro_use]
mod support;

mod access;
mod commands;
mod documents;
mod languages;
mod migrations;
mod pages;
mod refresh;
mod search;
mod search_figures;
mod secrets;
mod sms;
mod sms_kill;
mod sms_speed;
mod sync;
mod sync_command;
mod sync_kill;
mod sync_pages;
