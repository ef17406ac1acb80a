//! The treasury's wire (DOMAIN.md §3 to §5): the only place that knows it.
//!
//! [`JitClient::ask`] asks FTPS about one bill and brings an [`Exchange`]: what was sent, what came
//! back, and the [`Reply`](crate::ftps::Reply) for [`decide`](crate::ftps::decide()) to judge.
//! [`envelope`] (the encryption) and [`messages`] (the JSON) are pure.

pub mod client;
pub mod envelope;
pub mod messages;
mod session;

pub use client::{Exchange, JitClient, JitConfig, JitSetupError};
pub use envelope::PublicKey;
pub use messages::DateFormat;
