//! What the tests stand on: a running program for each, its database, what is in it, and ways to look
//! at it from outside.

mod both;
mod contents;
mod database;
mod door;
mod pages;
mod program;
mod samples;
mod settings;
mod world;

pub(crate) use both::{on_both, run_on};
pub(crate) use database::{Kind, ScratchDatabase};
pub(crate) use door::Door;
pub(crate) use pages::{Browser, Page, words};
pub(crate) use program::{Program, fed, program, stderr, stdout, with_database, with_jit};
pub(crate) use samples::{
    Instruction, ORIGINAL, OTHER, PEOPLE, REVISED, at, document, introduce, original, pair, payment_ids,
    revised,
};
pub(crate) use settings::{
    DATA_KEY, NEW_DATA_KEY, PASSWORD, SESSION_KEY, endless_sessions, sms_settings, start_of_time,
};
pub(crate) use world::World;
