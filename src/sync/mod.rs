//! The one path that asks JIT about an instruction and records what came of it. Refresh, the
//! nightly run, a retry and the `sync` command differ in their trigger only.

pub mod engine;
pub mod recorder;
