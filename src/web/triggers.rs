//! Who or what had JIT asked, in the words of each page.

use super::display;
use crate::domain::{RunTrigger, Trigger};
use crate::language::{Phrase, phrase};

/// Of a call, in the call log: `Refresh, by asha`.
pub fn of_call(trigger: Trigger, by: Option<&str>) -> Phrase {
    let what = match trigger {
        Trigger::Retry if by.is_some() => phrase("Asked from the list"),
        Trigger::Refresh => phrase("Refresh"),
        Trigger::Nightly => phrase("Nightly sync"),
        Trigger::Retry => phrase("Tried again by itself"),
        Trigger::Command => phrase("Sync command"),
        Trigger::Hand => phrase("Sync started by hand"),
    };
    with_name(what, by)
}

/// Of a call, in a time line: `asked by asha`.
pub fn of_step(trigger: Trigger, by: Option<&str>) -> Phrase {
    match (trigger, by) {
        (Trigger::Refresh | Trigger::Retry, Some(name)) => phrase("asked by %{name}").with("name", name),
        (Trigger::Refresh, None) => phrase("asked by hand"),
        (Trigger::Nightly, _) => phrase("nightly sync"),
        (Trigger::Retry, None) => phrase("tried again by itself"),
        (Trigger::Command, _) => phrase("sync command"),
        (Trigger::Hand, Some(name)) => phrase("sync started by %{name}").with("name", name),
        (Trigger::Hand, None) => phrase("sync started by hand"),
    }
}

/// Of a sync run: `Started by hand, by asha`.
pub fn of_run(trigger: RunTrigger, by: Option<&str>) -> Phrase {
    let what = match trigger {
        RunTrigger::Nightly => phrase("Nightly"),
        RunTrigger::MadeUp => phrase("Made up for a missed night"),
        RunTrigger::Command => phrase("Sync command"),
        RunTrigger::Hand => phrase("Started by hand"),
    };
    with_name(what, by)
}

fn with_name(what: Phrase, by: Option<&str>) -> Phrase {
    match by {
        Some(name) => display::by(what, name),
        None => what,
    }
}
