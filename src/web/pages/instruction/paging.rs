//! Which of the beneficiaries the page shows: a hundred at a time, of one payment status if asked, and those
//! marked that were looked for.

use crate::domain::{Paise, PaymentStatus};
use crate::language::{Phrase, phrase};
use crate::store::beneficiaries::{self, Beneficiary, Met};
use crate::store::instructions::InstructionId;
use crate::store::{Db, StoreError};
use crate::web::display::{self, filled};
use crate::web::path;

/// Beneficiaries on one page.
const PAGE: i64 = 100;
/// Pages on either side of the one shown that have a link of their own.
const NEIGHBOURS: i64 = 1;
/// Of more beneficiaries than this, one is looked for in a box.
const FEW: i64 = 20;
/// So many of those that were looked for are named, each with a link.
const NAMED: usize = 12;

/// What the address asks for: `beneficiaries`, the page, `payment`, the payment status, and `find`, whom to mark.
/// What cannot be read asks for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// If none is asked for: that of the first who is marked, else the first.
    page: Option<i64>,
    status: Option<PaymentStatus>,
    find: Option<String>,
}

impl Wanted {
    pub(super) fn read(page: Option<&str>, status: Option<&str>, find: Option<&str>) -> Self {
        let statuses = PaymentStatus::ALL.iter().copied();
        Self {
            page: page.and_then(|page| page.parse().ok()).filter(|page| *page >= 1),
            status: statuses.into_iter().find(|known| status == Some(word(*known).as_str())),
            find: filled(find).map(|text| text.trim().to_owned()),
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

/// How many beneficiaries an instruction has of each payment status and what they come to, and which of them are
/// shown.
#[derive(Debug)]
pub(super) struct Paging {
    counts: Vec<(PaymentStatus, i64, Paise)>,
    wanted: Wanted,
    /// The page shown.
    page: i64,
    /// Those that were looked for.
    met: Vec<Met>,
}

/// A way to somebody who was looked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PersonWay {
    pub(super) label: String,
    pub(super) query: String,
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
        if wanted.status.is_none() && wanted.find.is_none() && wanted.page.is_none_or(|page| page == 1) {
            // Nearly every instruction fits on one page: one question answers all.
            let all = beneficiaries::page(db, id, None, 0, PAGE + 1)?;
            if all.len() as i64 <= PAGE {
                return Ok((Self::of_all(&all), all));
            }
        }
        let met = match &wanted.find {
            Some(text) => beneficiaries::look_for(db, id, wanted.status, text)?,
            None => Vec::new(),
        };
        let mut paging = Self { counts: beneficiaries::counts(db, id)?, wanted, page: 1, met };
        let of_first_met = || paging.met.first().map(|met| met.place / PAGE + 1);
        paging.page = paging.wanted.page.or_else(of_first_met).unwrap_or(1).min(paging.last_page());
        let skipped = (paging.page - 1) * PAGE;
        let shown = beneficiaries::page(db, id, paging.wanted.status, skipped, PAGE)?;
        Ok((paging, shown))
    }

    /// Of an instruction all of whose beneficiaries are shown.
    pub(super) fn of_all(all: &[Beneficiary]) -> Self {
        let of = |status| all.iter().filter(move |one| one.payment_status == status);
        let sum = |status| Paise(of(status).map(|one| one.amount_paise.0).sum());
        let counts =
            PaymentStatus::ALL.iter().map(|status| (*status, of(*status).count() as i64, sum(*status)));
        let counts = counts.filter(|(_, count, _)| *count > 0).collect();
        Self { counts, wanted: Wanted::default(), page: 1, met: Vec::new() }
    }

    fn counted(&self, status: Option<PaymentStatus>) -> impl Iterator<Item = &(PaymentStatus, i64, Paise)> {
        self.counts.iter().filter(move |(of, ..)| status.is_none_or(|status| *of == status))
    }

    fn count_of(&self, status: Option<PaymentStatus>) -> i64 {
        self.counted(status).map(|(_, count, _)| count).sum()
    }

    /// What all that the filter lets through come to, on whichever page they are.
    pub(super) fn sum(&self) -> String {
        display::rupees(Paise(self.counted(self.wanted.status).map(|(.., paise)| paise.0).sum()))
    }

    /// How many those are.
    pub(super) fn summed(&self) -> Phrase {
        match self.count_of(self.wanted.status) {
            1 => phrase("Total, 1 payment"),
            count => phrase("Total, %{count} payments").with("count", display::count(count)),
        }
    }

    /// What each payment status comes to, where they differ.
    pub(super) fn sums(&self) -> Vec<(Phrase, String)> {
        if self.wanted.status.is_some() || self.counts.len() < 2 {
            return Vec::new();
        }
        let all = PaymentStatus::ALL.iter().flat_map(|status| self.counted(Some(*status)));
        all.map(|(status, _, paise)| (phrase(short(*status)), display::rupees(*paise))).collect()
    }

    /// Whether there are so many that one is looked for in a box.
    pub(super) fn can_be_searched(&self) -> bool {
        self.count_of(None) > FEW || self.wanted.find.is_some()
    }

    /// What is looked for.
    pub(super) fn find(&self) -> &str {
        self.wanted.find.as_deref().unwrap_or_default()
    }

    /// The payment status shown, as addresses write it.
    pub(super) fn status_word(&self) -> Option<String> {
        self.wanted.status.map(word)
    }

    /// What came of looking.
    pub(super) fn found(&self) -> Option<Phrase> {
        let text = self.wanted.find.as_deref()?;
        Some(match self.met.len() {
            0 => phrase("Nobody here has “%{text}” in name, payment ID, beneficiary ID, UTR, or the last four digits of account or mobile number.").with("text", text),
            1 => phrase("“%{text}”: 1 found, marked below.").with("text", text),
            count => phrase("“%{text}”: %{count} found, marked below.")
                .with("text", text)
                .with("count", display::count(count as i64)),
        })
    }

    /// The ways to those that were looked for, where more than one was found.
    pub(super) fn people(&self) -> Vec<PersonWay> {
        if self.met.len() < 2 {
            return Vec::new();
        }
        let way = |met: &Met| PersonWay {
            label: match filled(met.name.as_deref()) {
                Some(name) => format!("{name}, {}", met.payment_id),
                None => met.payment_id.clone(),
            },
            query: self.query(Some(met.place / PAGE + 1), self.wanted.status, &format!("row-{}", met.id)),
        };
        self.met.iter().take(NAMED).map(way).collect()
    }

    /// How many more there are than have a way.
    pub(super) fn more_people(&self) -> Option<String> {
        let more = self.met.len().saturating_sub(NAMED);
        (more > 0).then(|| display::count(more as i64))
    }

    /// Whether that one was looked for.
    pub(super) fn is_met(&self, one: &Beneficiary) -> bool {
        self.met.iter().any(|met| met.id == one.id)
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
        let (first, last) = ((self.page - 1) * PAGE + 1, (self.page * PAGE).min(all));
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
            query: query(None, status, None, "beneficiaries"),
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
        let here = self.page;
        let is_linked = |page: i64| page == 1 || page == last || (page - here).abs() <= NEIGHBOURS;
        let mut ways: Vec<PageWay> = Vec::new();
        for page in 1..=last {
            if is_linked(page) {
                let query = Some(self.to_page(page));
                ways.push(PageWay { number: page, query, is_current: page == here });
            } else if ways.last().is_some_and(|way| way.query.is_some()) {
                ways.push(PageWay { number: page, query: None, is_current: false });
            }
        }
        ways
    }

    /// The page before this one.
    pub(super) fn previous(&self) -> Option<String> {
        (self.page > 1).then(|| self.to_page(self.page - 1))
    }

    /// The page after this one.
    pub(super) fn next(&self) -> Option<String> {
        (self.page < self.last_page()).then(|| self.to_page(self.page + 1))
    }

    /// To another page of what is shown; of those that were looked for, all stay marked.
    fn to_page(&self, page: i64) -> String {
        let page = (page > 1 || self.wanted.find.is_some()).then_some(page);
        self.query(page, self.wanted.status, "beneficiaries")
    }

    fn query(&self, page: Option<i64>, status: Option<PaymentStatus>, anchor: &str) -> String {
        query(page, status, self.wanted.find.as_deref(), anchor)
    }
}

/// What an address ends with: to the beneficiaries of that status, that page, and down to the table or a row of it.
fn query(page: Option<i64>, status: Option<PaymentStatus>, find: Option<&str>, anchor: &str) -> String {
    let asked = [
        find.map(|text| format!("find={}", path::encoded(text))),
        status.map(|status| format!("payment={}", word(status))),
        page.map(|page| format!("beneficiaries={page}")),
    ];
    let asked: Vec<String> = asked.into_iter().flatten().collect();
    let mark = if asked.is_empty() { "" } else { "?" };
    format!("{mark}{}#{anchor}", asked.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paging(total: i64, failed: i64, page: i64, status: Option<PaymentStatus>) -> Paging {
        let of = |status, count| (status, count, Paise(100 * count));
        let counts = vec![of(PaymentStatus::Successful, total - failed), of(PaymentStatus::Failed, failed)];
        Paging { counts, wanted: Wanted { status, ..Wanted::default() }, page, met: Vec::new() }
    }

    #[test]
    fn what_an_address_says_is_read_back_and_nonsense_asks_for_nothing() {
        let wanted = Wanted::read(Some("3"), Some("in-process"), Some(" Sabita Nayak "));
        let find = Some("Sabita Nayak".to_owned());
        assert_eq!(wanted, Wanted { page: Some(3), status: Some(PaymentStatus::InProcess), find });
        assert_eq!(
            query(wanted.page, wanted.status, wanted.find.as_deref(), "beneficiaries"),
            "?find=Sabita%20Nayak&payment=in-process&beneficiaries=3#beneficiaries"
        );
        assert_eq!(query(None, None, None, "beneficiaries"), "#beneficiaries");
        for nonsense in ["", "0", "-1", "<script>", "99999999999999999999"] {
            assert_eq!(Wanted::read(Some(nonsense), Some(nonsense), Some(" ")), Wanted::default());
        }
    }

    #[test]
    fn a_table_is_summed_and_each_payment_status_where_they_differ() {
        let told = |paging: &Paging| (paging.summed().english(), paging.sum());
        let all = paging(2000, 30, 1, None);
        assert_eq!(told(&all), ("Total, 2,000 payments".to_owned(), "₹ 2,000.00".to_owned()));
        let sums: Vec<_> = all.sums().into_iter().map(|(label, sum)| (label.english(), sum)).collect();
        let sum = |label: &str, sum: &str| (label.to_owned(), sum.to_owned());
        assert_eq!(sums, [sum("Successful", "₹ 1,970.00"), sum("Failed", "₹ 30.00")]);
        let failed = paging(2000, 1, 1, Some(PaymentStatus::Failed));
        assert_eq!(told(&failed), ("Total, 1 payment".to_owned(), "₹ 1.00".to_owned()));
        assert!(failed.sums().is_empty());
    }

    #[test]
    fn those_that_were_looked_for_are_told_with_ways_to_them() {
        let met = |id: i64| Met { id, place: id * 60, payment_id: format!("BN-{id}"), name: None };
        let wanted = Wanted { find: Some("nayak".to_owned()), ..Wanted::default() };
        let found = |met| Paging { wanted: wanted.clone(), met, ..paging(2000, 0, 1, None) };
        assert!(found(vec![]).found().unwrap().english().starts_with("Nobody here has “nayak”"));
        let one = found(vec![met(1)]);
        assert_eq!(
            (one.found().unwrap().english().as_str(), one.people()),
            ("“nayak”: 1 found, marked below.", vec![])
        );
        assert_eq!(one.met.len(), 1);
        let many = found((1..=14).map(met).collect());
        let people = many.people();
        assert_eq!((people.len(), many.more_people().as_deref()), (12, Some("2")));
        assert_eq!(people[1].label, "BN-2");
        assert_eq!(people[1].query, "?find=nayak&beneficiaries=2#row-2");
        assert_eq!(many.next().as_deref(), Some("?find=nayak&beneficiaries=2#beneficiaries"));
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
