//! mukta-ftps asks the treasury's FTPS service whether revised payment instructions have been paid,
//! and tells the people who wait for it.
//!
//! Where things go: what is pure in [`domain`]; JIT's wire in [`jit`]; SQL in [`store`]; the one path that asks
//! and records in [`sync`]; the SMS and their gateway in [`notifications`]; MUKTASoft's JSON in [`import`],
//! its services in [`muktasoft`]; pages in [`web`], their words in every [`language`]; what [`settings`] say is
//! wired up in [`app`] and nowhere else. `simulator` plays JIT, MUKTASoft and the SMS gateway for the demo, for
//! integration work and for the tests.

pub mod access;
pub mod alerts;
pub mod app;
pub mod clock;
pub mod domain;
#[cfg(test)]
#[path = "fuzzing_tests.rs"]
mod fuzzing;
pub mod import;
pub mod jit;
pub mod language;
pub mod meters;
pub mod muktasoft;
pub mod notifications;
pub mod outgoing;
pub mod request_id;
pub mod retention;
pub mod sealing;
pub mod settings;
pub mod simulator;
pub mod store;
pub mod sync;
pub mod web;
