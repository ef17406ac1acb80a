//! What the address of the list asks for, and addresses that ask the same.

use chrono::{DateTime, NaiveDate, Utc};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::domain::date::typed_day;
use crate::domain::text::without_long_numbers;
use crate::domain::{Flag, PiStatus};
use crate::language::{Phrase, phrase};
use crate::store::scope::Scope;
use crate::store::search::{Cursor, Filters, NoCursor, Order, SearchText};

/// Where the list is.
const LIST: &str = "/payment-instructions";

/// The longest text that is searched for, in characters.
const LONGEST_TEXT: usize = 200;

/// Digits in the id of a ULB that may be those of a person, at least.
const TELLING_DIGITS: usize = 5;

const NO_STATUS: Phrase = phrase("There is no such status: choose one from the list.");
const NO_TYPE: Phrase = phrase("There is no such type: choose one from the list.");
const NO_FLAG: Phrase = phrase("There is no such flag: choose one from the list.");
const NO_ORDER: Phrase = phrase("There is no such order: choose one from the list.");
const NO_DAY: Phrase = phrase("Write a day as day, month and year: 31/03/2024.");

/// The address as it came.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ListQuery {
    tab: Option<String>,
    q: Option<String>,
    status: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    from: Option<String>,
    to: Option<String>,
    completed_from: Option<String>,
    completed_to: Option<String>,
    tenant: Option<String>,
    flag: Option<String>,
    sort: Option<String>,
    cursor: Option<String>,
    notice: Option<String>,
}

/// The filters as somebody typed them; blank where there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Typed {
    pub q: String,
    pub status: String,
    pub kind: String,
    pub from: String,
    pub to: String,
    pub completed_from: String,
    pub completed_to: String,
    pub tenant: String,
    pub flag: String,
}

/// What is wrong, field by field, in plain words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults(Vec<(&'static str, Phrase)>);

/// A tab of the list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tab {
    /// What waits for FTPS.
    #[default]
    Waiting,
    /// What a person must act on.
    NeedsYou,
    /// Everything.
    All,
}

impl Tab {
    /// All, in the order of the page.
    pub const ALL: [Self; 3] = [Self::NeedsYou, Self::Waiting, Self::All];

    /// As addresses write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "in-process",
            Self::NeedsYou => "needs-you",
            Self::All => "all",
        }
    }

    /// In words.
    pub const fn label(self) -> Phrase {
        match self {
            Self::Waiting => phrase("In Process"),
            Self::NeedsYou => phrase("Needs you"),
            Self::All => phrase("All"),
        }
    }

    /// Where it is, unfiltered.
    pub fn link(self) -> String {
        match self {
            Self::Waiting => LIST.to_owned(),
            tab => format!("{LIST}?tab={}", tab.word()),
        }
    }

    const fn order(self) -> Order {
        match self {
            Self::Waiting => Order::URGENT,
            Self::NeedsYou => Order::OLDEST,
            Self::All => Order::NEWEST,
        }
    }
}

/// What the address asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListRequest {
    pub tab: Tab,
    pub typed: Typed,
    pub faults: Faults,
    pub filters: Filters,
    /// The text of the cursor; blank for the first page.
    pub cursor: String,
    /// What is to be told once, as the address names it; blank for nothing.
    pub notice: String,
}

/// A day that can be typed.
pub struct DayField {
    /// The field's name.
    pub name: &'static str,
    /// Its label.
    pub label: Phrase,
    /// What was typed.
    pub value: String,
    /// What is wrong with it.
    pub fault: Option<Phrase>,
}

impl ListQuery {
    /// Reads the address.
    pub fn read(self) -> ListRequest {
        let trimmed = |text: Option<String>| text.map(|text| text.trim().to_owned()).unwrap_or_default();
        let typed = Typed {
            q: trimmed(self.q),
            status: trimmed(self.status),
            kind: trimmed(self.kind),
            from: trimmed(self.from),
            to: trimmed(self.to),
            completed_from: trimmed(self.completed_from),
            completed_to: trimmed(self.completed_to),
            tenant: trimmed(self.tenant),
            flag: trimmed(self.flag),
        };
        let named = |tab: &Tab| self.tab.as_deref() == Some(tab.word());
        let tab = Tab::ALL.into_iter().find(named);
        let tab = tab.unwrap_or(if typed == Typed::default() { Tab::Waiting } else { Tab::All });
        let mut faults = Faults::default();
        let order = faults.chosen("sort", &trimmed(self.sort), NO_ORDER, |word| word.parse().ok());
        let filters = Filters { only_waiting: tab == Tab::Waiting, order, ..typed.filters(&mut faults) };
        let (cursor, notice) = (trimmed(self.cursor), trimmed(self.notice));
        ListRequest { tab, typed, faults, filters, cursor, notice }
    }
}

impl Typed {
    fn filters(&self, faults: &mut Faults) -> Filters {
        if self.q.chars().count() > LONGEST_TEXT {
            let most = LONGEST_TEXT.to_string();
            faults.add("q", phrase("Search for %{count} characters at most.").with("count", most));
        }
        let (from, to) = faults.days([("from", &self.from), ("to", &self.to)]);
        let (completed_from, completed_to) =
            faults.days([("completed-from", &self.completed_from), ("completed-to", &self.completed_to)]);
        Filters {
            text: SearchText::typed(&self.q),
            status: faults.chosen("status", &self.status, NO_STATUS, |word| {
                PiStatus::ALL.iter().find(|status| status.as_str().eq_ignore_ascii_case(word)).copied()
            }),
            is_revised: faults.chosen("type", &self.kind, NO_TYPE, |word| match word {
                "original" => Some(false),
                "revised" => Some(true),
                _ => None,
            }),
            from,
            to,
            completed_from,
            completed_to,
            flag: faults.chosen("flag", &self.flag, NO_FLAG, |word| word.parse().ok()),
            ..Filters::default()
        }
    }
}

impl Faults {
    fn add(&mut self, field: &'static str, fault: Phrase) {
        self.0.push((field, fault));
    }

    /// What is wrong, one after the other.
    pub fn all(&self) -> &[(&'static str, Phrase)] {
        &self.0
    }

    /// What is wrong with a field.
    pub fn of(&self, field: &str) -> Option<&Phrase> {
        self.0.iter().find(|(of, _)| *of == field).map(|(_, fault)| fault)
    }

    fn chosen<T>(
        &mut self,
        field: &'static str,
        word: &str,
        unknown: Phrase,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        if word.is_empty() {
            return None;
        }
        let value = read(word);
        if value.is_none() {
            self.add(field, unknown);
        }
        value
    }

    /// The first day and the last.
    fn days(&mut self, typed: [(&'static str, &str); 2]) -> (Option<NaiveDate>, Option<NaiveDate>) {
        let [from, to] = typed.map(|(field, text)| self.chosen(field, text, NO_DAY, typed_day));
        if from > to && to.is_some() {
            self.add(typed[1].0, phrase("The last day is before the first."));
        }
        (from, to)
    }
}

impl ListRequest {
    /// Where the page begins: `None` for the first; a fault if the address was tampered with.
    pub fn cursor(&self) -> Result<Option<Cursor>, NoCursor> {
        if self.cursor.is_empty() { Ok(None) } else { Cursor::read(&self.cursor, self.order()).map(Some) }
    }

    /// The order that is asked for, or the tab's own.
    pub fn order(&self) -> Order {
        self.filters.order.unwrap_or(self.tab.order())
    }

    /// The filters, what needs a person reckoned at `now`.
    pub fn filters_at(&self, now: DateTime<Utc>) -> Filters {
        let as_of = now.naive_utc();
        Filters { needs_you: self.is_needs_you().then_some(as_of), as_of, ..self.filters.clone() }
    }

    /// Of what `whole` sees, the ULB that is asked for; `None` if that is none of theirs.
    pub fn scope_in(&self, whole: Scope) -> Option<Scope> {
        let tenant = &self.typed.tenant;
        if tenant.is_empty() || tenant == whole.tenant() {
            return Some(whole);
        }
        whole.holds(tenant).then(|| Scope::of(tenant))
    }

    /// Whether any filter is set.
    pub fn is_filtered(&self) -> bool {
        self.typed != Typed::default()
    }

    /// Whether a text is looked for and nothing else asked: then people are looked for too.
    pub fn is_only_text(&self) -> bool {
        let text_only = Typed { q: self.typed.q.clone(), ..Typed::default() };
        self.is_all() && !self.typed.q.is_empty() && self.typed == text_only
    }

    /// Whether any filter is set but the text.
    pub fn is_filtered_beside_text(&self) -> bool {
        Typed { q: String::new(), ..self.typed.clone() } != Typed::default()
    }

    pub fn is_waiting(&self) -> bool {
        self.tab == Tab::Waiting
    }

    pub fn is_needs_you(&self) -> bool {
        self.tab == Tab::NeedsYou
    }

    pub fn is_all(&self) -> bool {
        self.tab == Tab::All
    }

    /// The tab in which a search is made unless somebody chooses another: a text is looked for in all.
    pub fn searched_tab(&self) -> &'static str {
        if self.is_waiting() && !self.is_filtered() { Tab::All.word() } else { self.tab.word() }
    }

    pub fn has_flag(&self, flag: &Flag) -> bool {
        self.filters.flag == Some(*flag)
    }

    /// The days that can be typed in this tab.
    pub fn days(&self) -> Vec<DayField> {
        let Typed { from, to, completed_from, completed_to, .. } = &self.typed;
        let field = |name, label, value: &String| DayField {
            name,
            label,
            value: value.clone(),
            fault: self.faults.of(name).cloned(),
        };
        let mut days =
            vec![field("from", phrase("PI date from"), from), field("to", phrase("PI date to"), to)];
        if !self.is_waiting() {
            days.push(field("completed-from", phrase("Completed from"), completed_from));
            days.push(field("completed-to", phrase("Completed to"), completed_to));
        }
        days
    }

    /// The filters in words, of a ULB that is called so.
    pub fn told(&self, ulb: &str) -> Vec<Phrase> {
        let Filters { status, is_revised, from, to, completed_from, completed_to, .. } = &self.filters;
        let day = |day: &NaiveDate| day.format("%d/%m/%Y").to_string();
        let days = |words: [Phrase; 3], from: &Option<NaiveDate>, to: &Option<NaiveDate>| {
            let [both, only_from, only_to] = words;
            match (from, to) {
                (Some(from), Some(to)) => Some(both.with("from", day(from)).with("to", day(to))),
                (Some(from), None) => Some(only_from.with("from", day(from))),
                (None, Some(to)) => Some(only_to.with("to", day(to))),
                (None, None) => None,
            }
        };
        let q = &self.typed.q;
        let is_of_ulb = !self.typed.tenant.is_empty();
        [
            (!q.is_empty()).then(|| phrase("with “%{text}”").with("text", q.clone())),
            status.map(|status| Phrase::recorded(status.as_str())),
            is_revised.map(|is_revised| if is_revised { phrase("Revised") } else { phrase("Original") }),
            is_of_ulb.then(|| phrase("of %{ulb}").with("ulb", ulb.to_owned())),
            days(
                [
                    phrase("PI date %{from} to %{to}"),
                    phrase("PI date from %{from}"),
                    phrase("PI date up to %{to}"),
                ],
                from,
                to,
            ),
            days(
                [
                    phrase("completed %{from} to %{to}"),
                    phrase("completed from %{from}"),
                    phrase("completed up to %{to}"),
                ],
                completed_from,
                completed_to,
            ),
            self.filters.flag.map(super::flag_words),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The tab and its filters as the audit trail is told of them: a text only of what kind it is, since it may be the
    /// number of a person.
    pub fn told_to_the_trail(&self, whole: &Scope) -> String {
        let text = self
            .filters
            .text
            .as_ref()
            .map(|text| if text.is_numbers() { "with a number" } else { "with words" });
        let without_text = Self { typed: Typed { q: String::new(), ..self.typed.clone() }, ..self.clone() };
        let tenant = &self.typed.tenant;
        let ulb = if tenant == whole.tenant() || whole.holds(tenant) { tenant } else { "another ULB" };
        let filters = without_text.told(&without_long_numbers(ulb, TELLING_DIGITS));
        let all: Vec<String> = std::iter::once(self.tab.label().english())
            .chain(text.map(str::to_owned))
            .chain(filters.iter().map(Phrase::english))
            .collect();
        all.join(", ")
    }

    /// The same tab without a filter.
    pub fn unfiltered(&self) -> String {
        self.tab.link()
    }

    /// The first page of the same list.
    pub fn first_page(&self) -> String {
        at(LIST, &self.query(None, self.filters.order))
    }

    /// The page of the same list that begins at `cursor`.
    pub fn page_from(&self, cursor: &Cursor) -> String {
        at(LIST, &self.query(Some(cursor.to_string()), self.filters.order))
    }

    /// The first page of the same list in another order.
    pub fn sorted(&self, order: Order) -> String {
        at(LIST, &self.query(None, Some(order)))
    }

    /// The same list as a file.
    pub fn csv(&self) -> String {
        at(&format!("{LIST}.csv"), &self.query(None, self.filters.order))
    }

    /// What the address of this very page asks for.
    pub fn here(&self) -> String {
        self.query(Some(self.cursor.clone()), self.filters.order)
    }

    /// The address of this very page.
    pub fn link(&self) -> String {
        at(LIST, &self.here())
    }

    fn query(&self, cursor: Option<String>, order: Option<Order>) -> String {
        let Typed { q, status, kind, from, to, completed_from, completed_to, tenant, flag } = &self.typed;
        let is_usual = self.is_waiting() && !self.is_filtered();
        let tab = if is_usual { "" } else { self.tab.word() };
        let (cursor, order) = (cursor.unwrap_or_default(), order.map(|order| order.to_string()));
        let parts: Vec<String> = [
            ("tab", tab),
            ("q", q),
            ("status", status),
            ("type", kind),
            ("from", from),
            ("to", to),
            ("completed-from", completed_from),
            ("completed-to", completed_to),
            ("tenant", tenant),
            ("flag", flag),
            ("sort", order.as_deref().unwrap_or_default()),
            ("cursor", &cursor),
        ]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
        .collect();
        parts.join("&")
    }
}

fn at(path: &str, query: &str) -> String {
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &[(&str, &str)]) -> ListRequest {
        let of = |name| query.iter().find(|(field, _)| *field == name).map(|(_, value)| (*value).to_owned());
        ListQuery {
            tab: of("tab"),
            q: of("q"),
            status: of("status"),
            kind: of("type"),
            from: of("from"),
            to: of("to"),
            completed_from: of("completed-from"),
            completed_to: of("completed-to"),
            tenant: of("tenant"),
            flag: of("flag"),
            sort: of("sort"),
            cursor: of("cursor"),
            notice: of("notice"),
        }
        .read()
    }

    #[test]
    fn any_filter_searches_all_and_blank_ones_are_none() {
        assert!(read(&[]).is_waiting() && read(&[]).filters.only_waiting);
        assert!(read(&[("q", "  "), ("status", "")]).is_waiting());
        assert!(read(&[("sort", "-amount")]).is_waiting(), "an order is no filter");
        let filters = [
            ("tab", "all"),
            ("q", "x"),
            ("status", "Completed"),
            ("from", "2024-03-31"),
            ("flag", "returned"),
        ];
        for filter in filters {
            assert!(read(&[filter]).is_all(), "{filter:?}");
        }
        let narrowed = read(&[("tab", "needs-you"), ("q", "x")]);
        assert!(narrowed.is_needs_you() && narrowed.filters.text.is_some(), "a tab that is named holds");
        assert_eq!(narrowed.csv(), "/payment-instructions.csv?tab=needs%2Dyou&q=x");
        let waiting = read(&[("tab", "in-process"), ("flag", "sum-differs")]);
        assert!(waiting.is_waiting() && waiting.filters.only_waiting);
        assert_eq!(waiting.first_page(), "/payment-instructions?tab=in%2Dprocess&flag=sum%2Ddiffers");
    }

    #[test]
    fn what_a_filter_cannot_mean_is_said_beside_it() {
        let fault = |field: &str, value: &str| {
            let asked = read(&[(field, value)]);
            asked.faults.all().first().map(|(of, _)| (*of).to_owned())
        };
        for bad in ["31.03.2024", "2024-02-30", "30/02/2024", "2024-3-1", "+024-03-01", "x", "9999999-01-01"]
        {
            assert_eq!(fault("from", bad).as_deref(), Some("from"), "{bad}");
            assert_eq!(fault("completed-to", bad).as_deref(), Some("completed-to"), "{bad}");
        }
        assert_eq!(fault("from", "31/03/2024"), None);
        assert_eq!(read(&[("from", "31/03/2024")]).filters, read(&[("from", "2024-03-31")]).filters);
        assert_eq!(fault("status", "Paid").as_deref(), Some("status"));
        assert_eq!(fault("status", "in process"), None, "case does not matter");
        assert_eq!(fault("type", "Nothing").as_deref(), Some("type"));
        assert_eq!(fault("flag", "red").as_deref(), Some("flag"));
        assert_eq!(fault("sort", "colour").as_deref(), Some("sort"));
        assert_eq!(fault("q", &"x".repeat(201)).as_deref(), Some("q"));
        let turned = read(&[("from", "2024-04-01"), ("to", "2024-03-31")]);
        assert_eq!(turned.faults.of("to"), Some(&phrase("The last day is before the first.")));
        assert_eq!(read(&[("from", "2024-04-01"), ("to", "2024-04-01")]).faults, Faults::default());
        assert_eq!(read(&[("from", "2024-04-01")]).faults, Faults::default());
    }

    #[test]
    fn an_address_asks_the_same_again() {
        let asked = read(&[("q", "50% & more"), ("type", "revised"), ("cursor", "0-7")]);
        let next = asked.page_from(&Cursor::read("0-99", Order::NEWEST).unwrap());
        assert_eq!(next, "/payment-instructions?tab=all&q=50%25%20%26%20more&type=revised&cursor=0%2D99");
        assert_eq!(asked.csv(), "/payment-instructions.csv?tab=all&q=50%25%20%26%20more&type=revised");
        assert_eq!(read(&[]).csv(), "/payment-instructions.csv");
        assert_eq!(read(&[("sort", "-amount")]).first_page(), "/payment-instructions?sort=%2Damount");
    }

    #[test]
    fn a_cursor_that_is_none_of_ours_is_noticed() {
        assert!(read(&[]).cursor().unwrap().is_none());
        assert!(read(&[("cursor", "0-7")]).cursor().unwrap().is_some());
        assert!(read(&[("cursor", "x")]).cursor().is_err());
        assert!(read(&[("cursor", "PI-1/A-7")]).cursor().is_err());
        assert!(read(&[("cursor", "PI-1/A-7"), ("sort", "pi-number")]).cursor().unwrap().is_some());
    }
}
