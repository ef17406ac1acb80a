//! The treasury's wire (DOMAIN.md §3 to §5): the only place that knows it.
//!
//! [`JitClient::ask`] asks FTPS about one bill and brings an [`Exchange`]: what was sent, what came
//! back, and the [`Reply`](crate::domain::Reply) for [`decide`](crate::domain::decide()) to judge.
//! [`envelope`] (the encryption) and [`messages`] (the JSON) are pure.

pub mod client;
mod config;
pub mod envelope;
mod exchange;
pub mod messages;
mod session;

pub use client::JitClient;
pub use config::{JitConfig, JitSetupError};
pub use envelope::PublicKey;
pub use exchange::{Contact, Exchange};
pub use messages::DateFormat;
