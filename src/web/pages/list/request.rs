//! What the address of the list asks for, and addresses that ask the same.

use chrono::{DateTime, NaiveDate, Utc};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::domain::PiStatus;
use crate::language::{Phrase, phrase};
use crate::store::search::{Cursor, Filters, SearchText};

/// The longest text that is searched for, in characters.
const LONGEST_TEXT: usize = 200;

const NO_STATUS: Phrase = phrase("There is no such status: choose one from the list.");
const NO_TYPE: Phrase = phrase("There is no such type: choose one from the list.");

/// The address as it came.
#[derive(Debug, Default, Deserialize)]
pub struct ListQuery {
    tab: Option<String>,
    q: Option<String>,
    status: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    from: Option<String>,
    to: Option<String>,
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
}

/// What is wrong with each filter, in plain words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    pub q: Option<Phrase>,
    pub status: Option<Phrase>,
    pub kind: Option<Phrase>,
    pub from: Option<Phrase>,
    pub to: Option<Phrase>,
}

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
    /// As addresses write it; blank for the tab that is shown where none is named.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "",
            Self::NeedsYou => "needs-you",
            Self::All => "all",
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
        };
        let named = |tab: &Tab| self.tab.as_deref() == Some(tab.word());
        let tab = [Tab::NeedsYou, Tab::All].into_iter().find(named);
        let tab = tab.unwrap_or(if typed == Typed::default() { Tab::Waiting } else { Tab::All });
        let mut faults = Faults::default();
        let filters = Filters { only_waiting: tab == Tab::Waiting, ..typed.filters(&mut faults) };
        let (cursor, notice) = (trimmed(self.cursor), trimmed(self.notice));
        ListRequest { tab, typed, faults, filters, cursor, notice }
    }
}

impl Typed {
    fn filters(&self, faults: &mut Faults) -> Filters {
        if self.q.chars().count() > LONGEST_TEXT {
            let most = LONGEST_TEXT.to_string();
            faults.q = Some(phrase("Search for %{count} characters at most.").with("count", most));
        }
        let (from, to) = (day(&self.from, &mut faults.from), day(&self.to, &mut faults.to));
        if from > to && to.is_some() {
            faults.to = Some(phrase("The last day is before the first."));
        }
        Filters {
            text: SearchText::typed(&self.q),
            status: chosen(&self.status, &mut faults.status, NO_STATUS, |word| {
                PiStatus::ALL.iter().find(|status| status.as_str().eq_ignore_ascii_case(word)).copied()
            }),
            is_revised: chosen(&self.kind, &mut faults.kind, NO_TYPE, |word| match word {
                "original" => Some(false),
                "revised" => Some(true),
                _ => None,
            }),
            from,
            to,
            only_waiting: false,
            needs_you: None,
        }
    }
}

fn chosen<T>(
    word: &str,
    fault: &mut Option<Phrase>,
    unknown: Phrase,
    read: impl FnOnce(&str) -> Option<T>,
) -> Option<T> {
    if word.is_empty() {
        return None;
    }
    let value = read(word);
    if value.is_none() {
        *fault = Some(unknown);
    }
    value
}

fn day(text: &str, fault: &mut Option<Phrase>) -> Option<NaiveDate> {
    if text.is_empty() {
        return None;
    }
    // chrono also takes `+2024-3-1`.
    let looks_like_one = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| looks_like_one);
    if day.is_none() {
        *fault = Some(phrase("Write a day as year, month and day: 2024-03-31."));
    }
    day
}

impl Faults {
    /// What is wrong, one after the other.
    pub fn all(&self) -> Vec<(&'static str, &Phrase)> {
        let Self { q, status, kind, from, to } = self;
        [("q", q), ("status", status), ("type", kind), ("from", from), ("to", to)]
            .into_iter()
            .filter_map(|(field, fault)| Some((field, fault.as_ref()?)))
            .collect()
    }
}

impl ListRequest {
    /// Where the page begins: `None` for the first; a fault if the address was tampered with.
    pub fn cursor(&self) -> Result<Option<Cursor>, crate::store::search::NoCursor> {
        if self.cursor.is_empty() { Ok(None) } else { self.cursor.parse().map(Some) }
    }

    /// The filters, what needs a person reckoned at `now`.
    pub fn filters_at(&self, now: DateTime<Utc>) -> Filters {
        Filters { needs_you: self.is_needs_you().then(|| now.naive_utc()), ..self.filters.clone() }
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

    pub fn is_waiting(&self) -> bool {
        self.tab == Tab::Waiting
    }

    pub fn is_needs_you(&self) -> bool {
        self.tab == Tab::NeedsYou
    }

    pub fn is_all(&self) -> bool {
        self.tab == Tab::All
    }

    /// The tab in which a search is made: of what waits there is none.
    pub fn searched_tab(&self) -> &'static str {
        if self.is_waiting() { Tab::All.word() } else { self.tab.word() }
    }

    /// The same tab without a filter.
    pub fn unfiltered(&self) -> String {
        format!("/payment-instructions?tab={}", self.searched_tab())
    }

    /// The first page of the same list.
    pub fn first_page(&self) -> String {
        self.address("/payment-instructions", None)
    }

    /// The page of the same list that begins at `cursor`.
    pub fn page_from(&self, cursor: Cursor) -> String {
        self.address("/payment-instructions", Some(cursor))
    }

    /// The same list as a file.
    pub fn csv(&self) -> String {
        self.address("/payment-instructions.csv", None)
    }

    fn address(&self, path: &str, cursor: Option<Cursor>) -> String {
        let Typed { q, status, kind, from, to } = &self.typed;
        let cursor = cursor.map(|cursor| cursor.to_string()).unwrap_or_default();
        let parts: Vec<String> = [
            ("tab", self.tab.word()),
            ("q", q),
            ("status", status),
            ("type", kind),
            ("from", from),
            ("to", to),
            ("cursor", &cursor),
        ]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
        .collect();
        if parts.is_empty() { path.to_owned() } else { format!("{path}?{}", parts.join("&")) }
    }
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
            cursor: of("cursor"),
            notice: of("notice"),
        }
        .read()
    }

    #[test]
    fn any_filter_searches_all_and_blank_ones_are_none() {
        assert!(read(&[]).is_waiting() && read(&[]).filters.only_waiting);
        assert!(read(&[("q", "  "), ("status", "")]).is_waiting());
        for filter in [("tab", "all"), ("q", "x"), ("status", "Completed"), ("from", "2024-03-31")] {
            assert!(read(&[filter]).is_all(), "{filter:?}");
        }
        let narrowed = read(&[("tab", "needs-you"), ("q", "x")]);
        assert!(narrowed.is_needs_you() && narrowed.filters.text.is_some(), "a tab that is named holds");
        assert_eq!(narrowed.csv(), "/payment-instructions.csv?tab=needs%2Dyou&q=x");
    }

    #[test]
    fn what_a_filter_cannot_mean_is_said_beside_it() {
        let fault = |field: &str, value: &str| {
            let asked = read(&[(field, value)]);
            asked.faults.all().first().map(|(of, _)| (*of).to_owned())
        };
        for bad in ["31/03/2024", "2024-02-30", "2024-3-1", "+024-03-01", "x", "9999999-01-01"] {
            assert_eq!(fault("from", bad).as_deref(), Some("from"), "{bad}");
        }
        assert_eq!(fault("status", "Paid").as_deref(), Some("status"));
        assert_eq!(fault("status", "in process"), None, "case does not matter");
        assert_eq!(fault("type", "Nothing").as_deref(), Some("type"));
        assert_eq!(fault("q", &"x".repeat(201)).as_deref(), Some("q"));
        let turned = read(&[("from", "2024-04-01"), ("to", "2024-03-31")]);
        assert_eq!(turned.faults.to, Some(phrase("The last day is before the first.")));
        assert_eq!(read(&[("from", "2024-04-01"), ("to", "2024-04-01")]).faults, Faults::default());
        assert_eq!(read(&[("from", "2024-04-01")]).faults, Faults::default());
    }

    #[test]
    fn an_address_asks_the_same_again() {
        let asked = read(&[("q", "50% & more"), ("type", "revised"), ("cursor", "0-7")]);
        let next = asked.page_from("0-99".parse().unwrap());
        assert_eq!(next, "/payment-instructions?tab=all&q=50%25%20%26%20more&type=revised&cursor=0%2D99");
        assert_eq!(asked.csv(), "/payment-instructions.csv?tab=all&q=50%25%20%26%20more&type=revised");
        assert_eq!(read(&[]).csv(), "/payment-instructions.csv");
    }

    #[test]
    fn a_cursor_that_is_none_of_ours_is_noticed() {
        assert!(read(&[]).cursor().unwrap().is_none());
        assert!(read(&[("cursor", "0-7")]).cursor().unwrap().is_some());
        assert!(read(&[("cursor", "x")]).cursor().is_err());
    }
}
