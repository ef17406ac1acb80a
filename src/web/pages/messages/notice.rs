//! What came of a form about messages; told once, after it.

use crate::language::{Phrase, phrase};
use crate::store::outbox::by_hand::{Resent, Settled};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    NoneMarked,
    Resent(Resent),
    Settled(Settled),
}

impl Notice {
    /// As the address says it.
    pub(super) fn word(self) -> String {
        match self {
            Self::NoneMarked => "none-marked".to_owned(),
            Self::Resent(Resent { sent, changed, of_others, unusable }) => {
                format!("resent-{sent}-{changed}-{of_others}-{unusable}")
            }
            Self::Settled(Settled { settled, changed }) => format!("settled-{settled}-{changed}"),
        }
    }

    pub(super) fn named(word: &str) -> Option<Self> {
        if word == "none-marked" {
            return Some(Self::NoneMarked);
        }
        let mut parts = word.split('-');
        let what = parts.next()?;
        let counts: Vec<usize> = parts.map(str::parse).collect::<Result<_, _>>().ok()?;
        match (what, &counts[..]) {
            ("resent", &[sent, changed, of_others, unusable]) => {
                Some(Self::Resent(Resent { sent, changed, of_others, unusable }))
            }
            ("settled", &[settled, changed]) => Some(Self::Settled(Settled { settled, changed })),
            _ => None,
        }
    }

    pub(super) fn words(self) -> Phrase {
        match self {
            Self::NoneMarked => phrase("No message was marked, so nothing was done."),
            Self::Resent(came_to) => resent(came_to),
            Self::Settled(Settled { settled, changed }) => match (settled, changed) {
                (0, _) => phrase(
                    "Nothing was settled: only messages that failed, are held, or of which it is not known \
                     whether they were sent, can be.",
                ),
                (1, 0) => phrase("1 message is settled: it is never sent."),
                (count, 0) => phrase("%{count} messages are settled: they are never sent.")
                    .with("count", count.to_string()),
                (count, left) => phrase(
                    "Messages that are settled, and never sent: %{count}. Left as they stand, since they changed \
                     after that page was shown: %{left}.",
                )
                .with("count", count.to_string())
                .with("left", left.to_string()),
            },
        }
    }
}

/// A sentence for each thing that came of it.
fn resent(came_to: Resent) -> Phrase {
    let Resent { sent, changed, of_others, unusable } = came_to;
    let counted = |one: Phrase, many: Phrase, count: usize| {
        if count == 1 { one } else { many.with("count", count.to_string()) }
    };
    let sending = match (sent, changed) {
        (0, 0) => None,
        (0, _) => Some(phrase(
            "Nothing is sent again: since that page was shown, it was tried once more, or somebody dealt with it. \
             See how it stands now.",
        )),
        (sent, 0) => Some(counted(
            phrase("1 message will be sent again."),
            phrase("%{count} messages will be sent again."),
            sent,
        )),
        (sent, left) => Some(
            phrase(
                "Messages that will be sent again: %{count}. Left as they stand, since they changed after that \
                 page was shown: %{left}.",
            )
            .with("count", sent.to_string())
            .with("left", left.to_string()),
        ),
    };
    let others = (of_others > 0).then(|| {
        counted(
            phrase(
                "1 message is not sent: the payment belongs to another beneficiary ID now than to that which the \
                 message was written for.",
            ),
            phrase(
                "%{count} messages are not sent: the payments belong to another beneficiary ID now than to those \
                 which the messages were written for.",
            ),
            of_others,
        )
    });
    let unfit = (unusable > 0).then(|| {
        counted(
            phrase("1 message is not sent: there is no usable mobile number, UTR number or amount."),
            phrase("%{count} messages are not sent: there is no usable mobile number, UTR number or amount."),
            unusable,
        )
    });
    let told = [sending, others, unfit].into_iter().flatten();
    told.reduce(|line, more| phrase("%{line} %{more}").with("line", line).with("more", more)).unwrap_or(phrase(
        "Nothing is sent again: only messages that failed, are held, or of which it is not known whether they \
         were sent, can be.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sent: usize, changed: usize, of_others: usize, unusable: usize) -> Notice {
        Notice::Resent(Resent { sent, changed, of_others, unusable })
    }

    #[test]
    fn a_notice_is_read_back_from_its_word() {
        let settled = |settled, changed| Notice::Settled(Settled { settled, changed });
        for notice in [
            Notice::NoneMarked,
            of(0, 0, 0, 0),
            of(0, 1, 0, 0),
            of(50, 0, 0, 0),
            of(3, 2, 1, 4),
            settled(0, 0),
            settled(1, 0),
            settled(50, 1),
        ] {
            assert_eq!(Notice::named(&notice.word()), Some(notice));
            assert!(!notice.words().english().is_empty());
        }
        for word in ["resent-x", "resent-1", "resent-1-2-3-x", "settled-", "settled-1", "none", "", "-"] {
            assert_eq!(Notice::named(word), None, "{word}");
        }
    }

    #[test]
    fn nothing_is_said_to_be_sent_that_cannot_be() {
        let told = |notice: Notice| notice.words().english();
        assert_eq!(
            told(of(0, 0, 0, 1)),
            "1 message is not sent: there is no usable mobile number, UTR number or amount."
        );
        assert_eq!(
            told(of(2, 0, 0, 3)),
            "2 messages will be sent again. 3 messages are not sent: there is no usable mobile number, UTR number \
             or amount."
        );
        assert!(told(of(0, 0, 0, 0)).starts_with("Nothing is sent again: only"));
        assert!(told(of(0, 2, 0, 0)).starts_with("Nothing is sent again: since"));
    }
}
