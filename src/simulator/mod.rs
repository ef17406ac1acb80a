//! Stand-ins for the services outside, scriptable: for tests, `demo` and `simulate`.

pub mod http;
pub mod jit;
pub mod muktasoft;
pub mod sms;
