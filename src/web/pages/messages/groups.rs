//! The messages by state and by reason, each with what to do about it: the one place of these words.

use super::asked::{Asked, Which};
use crate::domain::{MessageReason, MessageState};
use crate::language::{Phrase, phrase};
use crate::store::outbox::desk::{Count, Counts, Standing};
use crate::web::display;
use crate::web::sms;

/// A state, as a filter.
pub(super) struct Tab {
    pub(super) label: Phrase,
    pub(super) count: String,
    pub(super) link: String,
    pub(super) is_current: bool,
}

impl Tab {
    pub(super) fn all(asked: &Asked, counts: &Counts) -> Vec<Self> {
        let tab = |label, which: Which, standing| Self {
            label,
            count: counted(counts.of_standing(standing)),
            link: asked.but(which).link(),
            is_current: asked.which == which,
        };
        let of = |state| tab(sms::words(state), Which::State(state), Standing::State(state));
        vec![
            tab(phrase("All"), Which::All, Standing::Any),
            of(MessageState::Waiting),
            of(MessageState::Held),
            of(MessageState::Failed),
            of(MessageState::Unknown),
            of(MessageState::Sent),
            of(MessageState::Settled),
        ]
    }
}

/// `69`, or `1,000+` where no more were counted.
pub(super) fn counted(count: Count) -> String {
    let number = display::count(i64::try_from(count.number).unwrap_or(i64::MAX));
    if count.and_more { format!("{number}+") } else { number }
}

/// Messages that stand for one reason.
pub(super) struct Group {
    pub(super) which: Which,
    pub(super) title: Phrase,
    pub(super) what_to_do: Phrase,
    pub(super) count: Count,
    pub(super) link: String,
    pub(super) is_current: bool,
}

impl Group {
    /// Those that are not empty, under what is asked for: of one reason that one alone; of all, those that
    /// need a person, and what waits for too long.
    pub(super) fn all(asked: &Asked, counts: &Counts) -> Vec<Self> {
        let reasons = MessageReason::ALL.iter().map(|reason| {
            let count = counts.of_standing(Standing::Reason(*reason));
            Self::new(asked, Which::Reason(*reason), (title(*reason), what_to_do(*reason)), count)
        });
        let late = Self::new(
            asked,
            Which::Late,
            (
                phrase("Waiting for more than a day"),
                phrase(
                    "Tell the administrator: the SMS gateway may be away. They are tried again by themselves.",
                ),
            ),
            counts.late,
        );
        let is_shown = |group: &Self| match asked.which {
            Which::All => group.which == Which::Late || group.which.can_be_settled(),
            Which::State(_) => group.which.state() == asked.which.state(),
            one => group.which == one,
        };
        let all = std::iter::once(late).chain(reasons);
        all.filter(|group| group.is_current || group.count.number > 0).filter(is_shown).collect()
    }

    fn new(asked: &Asked, which: Which, (title, what_to_do): (Phrase, Phrase), count: Count) -> Self {
        let (link, is_current) = (asked.but(which).link(), asked.which == which);
        Self { which, title, what_to_do, count, link, is_current }
    }

    /// For a `data-reason` attribute.
    pub(super) const fn word(&self) -> &'static str {
        match self.which.field() {
            Some((_, word)) => word,
            None => "",
        }
    }

    pub(super) fn counted(&self) -> String {
        counted(self.count)
    }
}

/// A reason in plain words.
pub(super) const fn title(reason: MessageReason) -> Phrase {
    match reason {
        MessageReason::NoNumber => phrase("No mobile number"),
        MessageReason::BadNumber => phrase("Not an Indian mobile number"),
        MessageReason::Placeholder => phrase("The number is the placeholder 9999999999"),
        MessageReason::Refused => phrase("Refused by the SMS gateway"),
        MessageReason::OtherPerson => phrase("The payment belongs to another person since"),
        MessageReason::NoText => phrase("No usable UTR number or amount"),
        MessageReason::Unreadable => phrase("The mobile number cannot be read here"),
        MessageReason::Failed => phrase("Failed for another reason"),
        MessageReason::OtherAccount => phrase("Paid to another account"),
        MessageReason::NotSaidPaid => phrase("RBI does not say that it was paid"),
        MessageReason::Returned => phrase("MUKTASoft says since that the payment failed"),
        MessageReason::Restored => phrase("May have been sent already: the data was restored"),
        MessageReason::Held => phrase("Held for another reason"),
        MessageReason::Unknown => phrase("No whole answer from the SMS gateway"),
        MessageReason::NotTaken => phrase("The SMS gateway was away or took no more"),
        MessageReason::InLine => phrase("Waiting for its turn"),
    }
}

/// What a person does about it.
pub(super) const fn what_to_do(reason: MessageReason) -> Phrase {
    match reason {
        MessageReason::NoNumber => phrase(
            "Have it entered in MUKTASoft. Within 7 days of the payment the message is then sent by itself; later, \
             send it again here.",
        ),
        MessageReason::BadNumber | MessageReason::Placeholder => phrase(
            "Have the right number entered in MUKTASoft. Within 7 days of the payment the message is then sent by \
             itself; later, send it again here.",
        ),
        MessageReason::Refused => phrase(
            "Read what the gateway said beside each, and tell the administrator. Once the cause is mended, send \
             them again.",
        ),
        MessageReason::OtherPerson => phrase(
            "These are never sent. Tell the person for whom it was written in another way, then settle it.",
        ),
        MessageReason::NoText => {
            phrase("The text cannot be made. Tell the beneficiary in another way, then settle it.")
        }
        MessageReason::Unreadable => {
            phrase("Tell the administrator: a data key is missing. Once it is there, send them again.")
        }
        MessageReason::Failed => phrase("Read the reason beside each; then send it again, or settle it."),
        MessageReason::OtherAccount => phrase(
            "The text may not be true. Find out whom the money reached; then send it all the same, or settle it.",
        ),
        MessageReason::NotSaidPaid => {
            phrase("Ask the treasury whether it was paid; then send it all the same, or settle it.")
        }
        MessageReason::Returned => phrase(
            "The text would not be true. Settle it; only if the money did arrive, send it all the same.",
        ),
        MessageReason::Restored => phrase(
            "Ask the people who run the gateway whether it was sent: if it was not, send it all the same, else settle \
             it.",
        ),
        MessageReason::Held => {
            phrase("Read the reason beside each; then send it all the same, or settle it.")
        }
        MessageReason::Unknown => phrase(
            "It may have been delivered. Ask the people who run the gateway: if it was not, send it again, else \
             settle it.",
        ),
        MessageReason::NotTaken => {
            phrase("Nothing to do: they are tried again by themselves, with growing pauses.")
        }
        MessageReason::InLine => phrase("Nothing to do: they are sent by themselves."),
    }
}
