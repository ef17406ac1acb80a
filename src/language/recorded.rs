//! What other parts of the program store in English and pages tell in another language beside: statuses
//! are the enums' words, sentences stand in [`domain::glitch`](crate::domain::glitch).

use crate::domain::decide::{NO_RESPONSE, UPDATED};
use crate::domain::{DeliveryFault, Glitch, HoldReason, Refusal};

/// The sentences, their gaps open.
pub fn sentences() -> impl Iterator<Item = &'static str> {
    [
        [NO_RESPONSE, UPDATED].as_slice(),
        Glitch::SENTENCES,
        Refusal::SENTENCES,
        HoldReason::SENTENCES,
        DeliveryFault::SENTENCES,
    ]
    .into_iter()
    .flatten()
    .copied()
}
