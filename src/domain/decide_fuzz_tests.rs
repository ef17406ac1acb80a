//! Replies that JIT never gave, spoilt from those that it gives: all or nothing.

use super::{assert_all_or_nothing, decide, instruction};
use crate::domain::Reply;
use crate::fuzzing::spoilt;
use crate::jit::messages::parse_answer;

#[test]
fn spoilt_replies_are_all_or_nothing() {
    let asked = instruction(2);
    spoilt("replies", 0x5eed, |bytes| match parse_answer(bytes) {
        Err(glitch) => format!("unusable: {}", way(&format!("{glitch:?}"))),
        Ok(answer) => {
            let decision = decide(&asked, &Reply::Answered(answer));
            assert_all_or_nothing(&asked, &decision);
            way(&format!("{decision:?}"))
        }
    });
}

/// The words of the code alone: what stands in quotes came with the reply.
fn way(told: &str) -> String {
    told.split('"').step_by(2).collect::<String>().chars().filter(|c| !c.is_ascii_digit()).take(300).collect()
}
