//! Which of the beneficiaries the page shows: a hundred at a time, of one payment status if asked.

use crate::domain::PaymentStatus;
use crate::language::{Phrase, phrase};
use crate::store::beneficiaries::{self, Beneficiary};
use crate::store::instructions::InstructionId;
use crate::store::{Db, StoreError};
use crate::web::display;

/// Beneficiaries on one page.
const PAGE: i64 = 100;
/// Pages on either side of the one shown that have a link of their own.
const NEIGHBOURS: i64 = 1;

/// What the address asks for: `beneficiaries`, the page, and `payment`, the payment status. What
/// cannot be read asks for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    page: i64,
    status: Option<PaymentStatus>,
}

impl Wanted {
    pub(super) fn read(page: Option<&str>, status: Option<&str>) -> Self {
        let statuses = PaymentStatus::ALL.iter().copied();
        Self {
            page: page.and_then(|page| page.parse().ok()).unwrap_or(1).max(1),
            status: statuses.into_iter().find(|known| status == Some(word(*known).as_str())),
        }
    }
}

/// A payment status as addresses write it: `in-process`.
fn word(status: PaymentStatus) -> String {
    short(status).to_lowercase().replace(' ', "-")
}

/// A payment status without the word that all of them begin with.
fn short(status: PaymentStatus) -> &'static str {
    status.as_str().trim_start_matches("Payment ")
}

/// How many beneficiaries an instruction has of each payment status, and which of them are shown.
#[derive(Debug)]
pub(super) struct Paging {
    counts: Vec<(PaymentStatus, i64)>,
    wanted: Wanted,
}

/// A way to the beneficiaries of one payment status, or to all.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) label: Phrase,
    pub(super) count: String,
    pub(super) query: String,
    pub(super) is_current: bool,
}

/// A way to another page of them; without a query, pages that are left out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PageWay {
    pub(super) number: i64,
    pub(super) query: Option<String>,
    pub(super) is_current: bool,
}

impl Paging {
    /// Reads those to be shown; a page past the last is the last.
    pub(super) fn load(
        db: &mut Db,
        id: InstructionId,
        wanted: Wanted,
    ) -> Result<(Self, Vec<Beneficiary>), StoreError> {
        if wanted == Wanted::read(None, None) {
            // Nearly every instruction fits on one page: one question answers all.
            let all = beneficiaries::page(db, id, None, 0, PAGE + 1)?;
            if all.len() as i64 <= PAGE {
                return Ok((Self::of_all(&all), all));
            }
        }
        let mut paging = Self { counts: beneficiaries::counts(db, id)?, wanted };
        paging.wanted.page = wanted.page.min(paging.last_page());
        let skipped = (paging.wanted.page - 1) * PAGE;
        let shown = beneficiaries::page(db, id, wanted.status, skipped, PAGE)?;
        Ok((paging, shown))
    }

    /// Of an instruction all of whose beneficiaries are shown.
    pub(super) fn of_all(all: &[Beneficiary]) -> Self {
        let count = |status| all.iter().filter(|one| one.payment_status == status).count() as i64;
        let counts = PaymentStatus::ALL.iter().map(|status| (*status, count(*status)));
        Self { counts: counts.filter(|(_, count)| *count > 0).collect(), wanted: Wanted::read(None, None) }
    }

    fn count_of(&self, status: Option<PaymentStatus>) -> i64 {
        let counted = self.counts.iter().filter(|(of, _)| status.is_none_or(|status| *of == status));
        counted.map(|(_, count)| count).sum()
    }

    fn last_page(&self) -> i64 {
        ((self.count_of(self.wanted.status) + PAGE - 1) / PAGE).max(1)
    }

    /// How many the instruction has in all.
    pub(super) fn total(&self) -> String {
        display::count(self.count_of(None))
    }

    /// What the table holds: `Payment Failed, 101 to 200 of 1,234`, or only which they are where one
    /// page holds them all.
    pub(super) fn caption(&self) -> Phrase {
        let which =
            self.wanted.status.map_or(phrase("Beneficiaries"), |status| Phrase::recorded(status.as_str()));
        if self.last_page() == 1 {
            return which;
        }
        let all = self.count_of(self.wanted.status);
        let (first, last) = ((self.wanted.page - 1) * PAGE + 1, (self.wanted.page * PAGE).min(all));
        let [first, last, all] = [first, last, all].map(display::count);
        phrase("%{which}, %{first} to %{last} of %{all}")
            .with("which", which)
            .with("first", first)
            .with("last", last)
            .with("all", all)
    }

    /// Whether a payment status was asked for that no beneficiary has.
    pub(super) fn is_filter_in_vain(&self) -> bool {
        self.wanted.status.is_some() && self.count_of(self.wanted.status) == 0
    }

    /// All, and each payment status that there is; nothing where there is nothing to tell apart.
    pub(super) fn filters(&self) -> Vec<Filter> {
        if self.counts.len() < 2 && self.wanted.status.is_none() {
            return Vec::new();
        }
        let filter = |status: Option<PaymentStatus>| Filter {
            label: status.map_or(phrase("All"), |status| phrase(short(status))),
            count: display::count(self.count_of(status)),
            query: query(1, status),
            is_current: self.wanted.status == status,
        };
        let present = PaymentStatus::ALL.iter().copied().map(Some);
        let present = present.filter(|status| self.count_of(*status) > 0 || self.wanted.status == *status);
        std::iter::once(None).chain(present).map(filter).collect()
    }

    /// The first page, the last, those about this one, and gaps between; nothing if there is only one.
    pub(super) fn pages(&self) -> Vec<PageWay> {
        let last = self.last_page();
        if last == 1 {
            return Vec::new();
        }
        let here = self.wanted.page;
        let is_linked = |page: i64| page == 1 || page == last || (page - here).abs() <= NEIGHBOURS;
        let mut ways: Vec<PageWay> = Vec::new();
        for page in 1..=last {
            if is_linked(page) {
                let query = Some(query(page, self.wanted.status));
                ways.push(PageWay { number: page, query, is_current: page == here });
            } else if ways.last().is_some_and(|way| way.query.is_some()) {
                ways.push(PageWay { number: page, query: None, is_current: false });
            }
        }
        ways
    }

    /// The page before this one.
    pub(super) fn previous(&self) -> Option<String> {
        (self.wanted.page > 1).then(|| query(self.wanted.page - 1, self.wanted.status))
    }

    /// The page after this one.
    pub(super) fn next(&self) -> Option<String> {
        (self.wanted.page < self.last_page()).then(|| query(self.wanted.page + 1, self.wanted.status))
    }
}

/// What an address ends with: to the beneficiaries of that status, that page, and down to the table.
fn query(page: i64, status: Option<PaymentStatus>) -> String {
    let mut asked = Vec::new();
    if let Some(status) = status {
        asked.push(format!("payment={}", word(status)));
    }
    if page > 1 {
        asked.push(format!("beneficiaries={page}"));
    }
    let mark = if asked.is_empty() { "" } else { "?" };
    format!("{mark}{}#beneficiaries", asked.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paging(total: i64, failed: i64, page: i64, status: Option<PaymentStatus>) -> Paging {
        let counts = vec![(PaymentStatus::Successful, total - failed), (PaymentStatus::Failed, failed)];
        Paging { counts, wanted: Wanted { page, status } }
    }

    #[test]
    fn what_an_address_says_is_read_back_and_nonsense_asks_for_nothing() {
        let wanted = Wanted::read(Some("3"), Some("in-process"));
        assert_eq!(wanted, Wanted { page: 3, status: Some(PaymentStatus::InProcess) });
        assert_eq!(query(3, wanted.status), "?payment=in-process&beneficiaries=3#beneficiaries");
        assert_eq!(query(1, None), "#beneficiaries");
        for nonsense in ["", "0", "-1", "<script>", "99999999999999999999"] {
            assert_eq!(Wanted::read(Some(nonsense), Some(nonsense)), Wanted { page: 1, status: None });
        }
    }

    #[test]
    fn pages_far_away_are_left_out() {
        let numbers = |paging: Paging| -> Vec<String> {
            let shown = |way: &PageWay| match (&way.query, way.is_current) {
                (None, _) => "…".to_owned(),
                (Some(_), true) => format!("[{}]", way.number),
                (Some(_), false) => way.number.to_string(),
            };
            paging.pages().iter().map(shown).collect()
        };
        assert_eq!(numbers(paging(2000, 30, 1, None)), ["[1]", "2", "…", "20"]);
        assert_eq!(numbers(paging(2000, 30, 9, None)), ["1", "…", "8", "[9]", "10", "…", "20"]);
        assert_eq!(numbers(paging(201, 0, 3, None)), ["1", "2", "[3]"]);
        assert!(paging(2000, 30, 1, Some(PaymentStatus::Failed)).pages().is_empty());
        assert!(paging(100, 0, 1, None).pages().is_empty());
    }

    #[test]
    fn the_caption_tells_which_are_shown_where_one_page_does_not_hold_them() {
        assert_eq!(paging(2000, 30, 20, None).caption().english(), "Beneficiaries, 1,901 to 2,000 of 2,000");
        assert_eq!(paging(130, 0, 2, None).caption().english(), "Beneficiaries, 101 to 130 of 130");
        assert_eq!(paging(2000, 30, 1, Some(PaymentStatus::Failed)).caption().english(), "Payment Failed");
        assert_eq!(paging(100, 0, 1, None).caption().english(), "Beneficiaries");
    }

    #[test]
    fn every_payment_status_that_there_is_has_a_filter_with_its_count() {
        let filters = paging(2000, 30, 1, Some(PaymentStatus::Failed)).filters();
        let told: Vec<_> =
            filters.iter().map(|one| (one.label.english(), one.count.as_str(), one.is_current)).collect();
        assert_eq!(
            told,
            [
                ("All".to_owned(), "2,000", false),
                ("Successful".to_owned(), "1,970", false),
                ("Failed".to_owned(), "30", true)
            ]
        );
    }

    #[test]
    fn the_ways_on_and_back_end_at_the_ends() {
        assert_eq!(paging(150, 0, 1, None).previous(), None);
        assert_eq!(paging(150, 0, 1, None).next().as_deref(), Some("?beneficiaries=2#beneficiaries"));
        assert_eq!(paging(150, 0, 2, None).next(), None);
        assert_eq!(paging(150, 0, 2, None).previous().as_deref(), Some("#beneficiaries"));
    }
}
