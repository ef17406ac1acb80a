//! The pages: each in `pages/`, with its handler, its form and its template struct together; the
//! templates lie in `templates/` in the same folders.
//!
//! Handlers read their input, call one function and render; they never call JIT themselves. A page
//! is for whom the [`Viewer`](viewer::Viewer) says, and shows what is in that viewer's scope. What
//! goes wrong is a [`WebError`](error::WebError), which is one page of its own.

pub mod arrival;
pub mod assets;
pub mod back;
pub mod bookkeeping;
pub mod client;
pub mod current_password;
pub mod display;
pub mod door;
pub mod error;
pub mod error_page;
pub mod flags;
pub mod form;
pub mod guard;
pub mod known_browser;
pub mod language;
pub mod latest_readings;
pub mod masking;
pub mod pages;
pub mod password_queue;
pub mod path;
pub mod place;
pub mod qr;
pub mod read_log;
pub mod readiness;
pub mod refusals;
pub mod requests;
pub mod respond;
pub mod routes;
pub mod rules;
pub mod sealed_cookie;
pub mod second_factor;
pub mod server;
pub mod session;
pub mod shell;
pub mod signed_in;
pub mod site;
pub mod sms;
mod spreadsheet;
pub mod stopping;
pub mod stranger;
pub mod tenants;
pub mod told_once;
pub mod triggers;
pub mod undone;
pub mod viewer;

pub use bookkeeping::Bookkeeping;
pub use rules::Sessions;
pub use server::{listen, listen_for_operators};
pub use site::{Operators, Site};
