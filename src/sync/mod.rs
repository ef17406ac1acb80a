//! The one path that asks JIT about an instruction and records what came of it
//! ([`engine`]). Refresh, the nightly run, a retry and the `sync` command differ in their
//! [`Order`](engine::Order) only.
//!
//! [`run`] works through a sync run, [`retries`] makes the attempts that are due; both are plain
//! steps that take their time from the app's clock. [`scheduler`] is the thread that takes them.

pub mod circuit;
mod crew;
pub mod engine;
pub mod nights;
pub mod recorder;
pub mod retries;
pub mod run;
pub mod scheduler;
