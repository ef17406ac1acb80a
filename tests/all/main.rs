//! The program driven from outside: its pages, over HTTP and in a browser, and its commands, against
//! the simulators, on both databases.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on says so by panicking

mod support;

mod access;
mod account;
mod accountable;
mod asking;
mod browser;
mod commands;
mod components;
mod day;
mod demo;
mod deploy;
mod documents;
mod files;
mod forms;
mod guessing;
mod hardening;
mod import_figures;
mod jit_conditions;
mod languages;
mod list;
mod malformed;
mod messages;
mod migrations;
mod night_figures;
mod pages;
mod people;
mod pull;
mod pull_figures;
mod push_figures;
mod refresh;
mod reliability;
mod retention;
mod search;
mod search_figures;
mod second_factor;
mod secrets;
mod sentences;
mod sign_in;
mod sms;
mod sms_held;
mod sms_kill;
mod sms_outbox;
mod sms_speed;
mod status_push;
mod structure;
mod sync;
mod sync_command;
mod sync_kill;
mod sync_pages;
mod trail;
mod view;
mod ways_back;
mod words;
