//! `GET /payment-instructions`: what needs a person, what waits for FTPS, or what a search finds.

pub mod ask;
pub mod back;
mod columns;
pub mod export;
pub mod fetch;
mod request;
mod row;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use super::sought::{self, PEOPLE_SHOWN, Sought};
use crate::access::Right;
use crate::domain::{Flag, PiStatus};
use crate::language::{Phrase, phrase};
use crate::store::audit::Action;
use crate::store::people::{self, FoundPeople};
use crate::store::scope;
use crate::store::search::{self, Found, TabCounts, Total};
use crate::web::display;
use crate::web::error::WebError;
use crate::web::respond::html;
use crate::web::shell::{Section, Shell};
use crate::web::site::Site;
use crate::web::viewer::Viewer;
use columns::{Choice, Column, columns};
use request::{ListQuery, ListRequest, Tab};
use row::Row;

/// The handler.
pub async fn page(
    site: web::Data<Site>,
    viewer: Viewer,
    request: HttpRequest,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    let asked = query.into_inner().read();
    let now = site.app.clock.now();
    if !asked.faults.all().is_empty() {
        let mut response = html(&ListPage::new(&viewer, asked, Shown::default(), None, Around::of(&site)))?;
        *response.status_mut() = StatusCode::BAD_REQUEST;
        return Ok(response);
    }
    let after = asked.cursor().map_err(|_| WebError::unreadable_address())?;
    let (whole, within, filters) = (viewer.scope(), asked.scope_in(viewer.scope()), asked.filters_at(now));
    // Whose payments the text finds is shown whatever else was asked of payment instructions.
    let who = (!asked.typed.q.is_empty() && after.is_none()).then(|| asked.typed.q.clone());
    let shown = site
        .app
        .store
        .read(move |db| {
            let people = match (who, &within) {
                (Some(who), Some(scope)) => Some(people::find(db, scope, &who, None, PEOPLE_SHOWN)?),
                _ => None,
            };
            let found =
                within.map(|scope| search::search(db, &scope, &filters, after.as_ref())).transpose()?;
            Ok(Shown {
                people,
                found: Some(found.unwrap_or_default()),
                counts: Some(search::tab_counts(db, &whole, now.naive_utc())?),
                towns: if whole.is_state() { scope::towns(db, &whole)? } else { Vec::new() },
            })
        })
        .await?;
    if let Some(found) = &shown.people {
        let told = sought::told_to_the_trail(&asked.typed.q, found.people.len(), found.next.is_some());
        let told = format!("in the list of payment instructions, {told}");
        site.note(&viewer, &request, Action::PeopleSearched, Some(told)).await?;
    }
    let offer = shown.found.as_ref().and_then(|found| fetch::offered(&site, &viewer, &asked, found));
    let kept = back::kept(&request, &viewer, &asked, site.sessions.secure);
    let mut response = html(&ListPage::new(&viewer, asked, shown, offer, Around::of(&site)))?;
    if let Some(cookie) = kept {
        response.add_cookie(&cookie).map_err(|fault| WebError::Session(fault.to_string()))?;
    }
    Ok(response)
}

/// All that the page shows, read in one transaction.
#[derive(Default)]
struct Shown {
    /// `None` if the filters make no sense.
    found: Option<Found>,
    /// Whose payments a text finds, if people were looked for too.
    people: Option<FoundPeople>,
    /// `None` where nothing was looked for.
    counts: Option<TabCounts>,
    /// Of a state: the towns to choose from.
    towns: Vec<String>,
}

/// What the page tells of the program.
#[derive(Debug, Clone, Copy)]
struct Around {
    now: DateTime<Utc>,
    next_night: Option<DateTime<Utc>>,
    /// Whether nobody is asked by itself.
    is_paused: bool,
}

impl Around {
    fn of(site: &Site) -> Self {
        let now = site.app.clock.now();
        let sync = &site.app.sync;
        Self { now, next_night: sync.next_night(now), is_paused: sync.is_paused() }
    }
}

#[derive(Template)]
#[template(path = "list.html")]
struct ListPage {
    shell: Shell,
    asked: ListRequest,
    tabs: Vec<ShownTab>,
    columns: Vec<Column>,
    /// Of a state: its towns to choose from.
    towns: Vec<String>,
    names_tenants: bool,
    is_later_page: bool,
    sought: Sought,
    /// What fetching or asking came to, told once.
    notice: Vec<Phrase>,
    /// The number that is not known here and can be fetched from MUKTASoft.
    offer: Option<String>,
    form_token: String,
    /// `None` if the filters make no sense.
    results: Option<Results>,
}

/// A tab as the page shows it.
struct ShownTab {
    tab: Tab,
    count: Option<String>,
    is_current: bool,
}

struct Results {
    rows: Vec<Row>,
    total: Total,
    /// What they come to.
    sum: Phrase,
    /// The address of the next page, if there may be more.
    next: Option<String>,
    /// How far back a search got that was too much for one page.
    searched_back_to: Option<String>,
    /// Only so many of those that were found are sorted.
    sorted_among: Option<String>,
}

impl ListPage {
    fn new(viewer: &Viewer, asked: ListRequest, shown: Shown, offer: Option<String>, around: Around) -> Self {
        let names_tenants = viewer.scope().is_state();
        let may_ask = viewer.may(Right::Refresh);
        Self {
            shell: Shell::new(viewer, Section::PaymentInstructions),
            notice: match (fetch::Notice::named(&asked.notice), ask::Notice::named(&asked.notice)) {
                (Some(notice), _) => vec![notice.words()],
                (None, Some(notice)) => notice.words(),
                (None, None) => Vec::new(),
            },
            tabs: ShownTab::all(asked.tab, shown.counts),
            columns: columns(&asked, names_tenants),
            towns: shown.towns,
            offer,
            form_token: viewer.form_token.clone(),
            names_tenants,
            is_later_page: !asked.cursor.is_empty(),
            sought: Sought::new(&asked.typed.q, shown.people),
            results: shown.found.map(|found| Results::new(found, &asked, may_ask, around)),
            asked,
        }
    }

    /// What the title says before the page's name.
    fn found_words(&self) -> Option<String> {
        let results = self.results.as_ref().filter(|_| self.sought.is_any())?;
        Some(format!("{} · {}", self.asked.typed.q, self.shell.tell(results.total())))
    }

    fn statuses(&self) -> &'static [PiStatus] {
        PiStatus::ALL
    }

    fn has_status(&self, status: &PiStatus) -> bool {
        self.asked.filters.status == Some(*status)
    }

    /// The filters in words.
    fn told(&self) -> Vec<Phrase> {
        self.asked.told(&self.shell.tenant(&self.asked.typed.tenant))
    }

    fn flags(&self) -> &'static [Flag] {
        Flag::ALL
    }

    fn flag_words(&self, flag: &Flag) -> Phrase {
        flag_words(*flag)
    }

    fn orders(&self) -> Vec<Choice> {
        columns::choices(&self.asked, &self.columns)
    }

    /// Whether any row can be marked.
    fn can_ask(&self) -> bool {
        self.results.as_ref().is_some_and(|results| results.rows.iter().any(|row| row.can_be_asked))
    }

    /// Whether it is folded open: a filter is set, or one of them is at fault.
    fn are_filters_open(&self) -> bool {
        self.asked.is_filtered_beside_text() || self.asked.faults.all().iter().any(|(field, _)| *field != "q")
    }

    /// In which order, in words.
    fn order_words(&self) -> Phrase {
        columns::order_words(&self.asked)
    }
}

/// A flag as the filter names it.
const fn flag_words(flag: Flag) -> Phrase {
    match flag {
        Flag::PaidElsewhere => phrase("Paid to another account"),
        Flag::RbiNotPaid => phrase("RBI does not say “Paid”"),
        Flag::Returned => phrase("Returned payments"),
        Flag::FailedPayments => phrase("Failed payments"),
        Flag::CompletedElsewhere => phrase("Completed by MUKTASoft, payments open"),
        Flag::SumDiffers => phrase("Sum differs"),
        Flag::ChangedAfterPayment => phrase("Changed after the payment"),
        Flag::PastDeadline => phrase("Past the last day for corrections"),
    }
}

impl ShownTab {
    fn all(current: Tab, counts: Option<TabCounts>) -> Vec<Self> {
        let of = |counts: TabCounts, tab| match tab {
            Tab::NeedsYou => counts.needs_you,
            Tab::Waiting => counts.waiting,
            Tab::All => counts.all,
        };
        let told = |count: usize| {
            let more = if count > search::COUNTED { "+" } else { "" };
            format!("{}{more}", thousands(count.min(search::COUNTED)))
        };
        let shown =
            |tab| Self { tab, count: counts.map(|counts| told(of(counts, tab))), is_current: tab == current };
        Tab::ALL.into_iter().map(shown).collect()
    }
}

impl Results {
    /// Whether a row tells of a technical glitch, which not everybody knows.
    fn has_glitches(&self) -> bool {
        self.rows.iter().any(Row::is_glitch)
    }

    fn new(found: Found, asked: &ListRequest, may_ask: bool, around: Around) -> Self {
        let rupees = display::rupees(found.sum);
        let sum = match found.total {
            Total::MoreThanCounted => phrase("more than %{rupees} in all"),
            Total::Exactly(_) | Total::SoFar(_) => phrase("%{rupees} in all"),
        };
        Self {
            rows: found.rows.into_iter().map(|listed| Row::new(listed, may_ask, around)).collect(),
            total: found.total,
            sum: sum.with("rupees", rupees),
            next: found.next.map(|next| asked.page_from(&next)),
            searched_back_to: found.searched_back_to.map(display::day),
            sorted_among: found.sorted_among.map(thousands),
        }
    }

    /// How many there are, in words.
    fn total(&self) -> Phrase {
        match self.total {
            Total::Exactly(1) => phrase("1 payment instruction"),
            Total::Exactly(count) => phrase("%{count} payment instructions").with("count", thousands(count)),
            Total::MoreThanCounted => {
                phrase("more than %{count} payment instructions").with("count", thousands(search::COUNTED))
            }
            Total::SoFar(count) => phrase("%{count} found so far").with("count", thousands(count)),
        }
    }
}

/// A number up to 999,999.
fn thousands(count: usize) -> String {
    match (count / 1000, count % 1000) {
        (0, ones) => ones.to_string(),
        (thousands, ones) => format!("{thousands},{ones:03}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::beneficiaries::Tally;
    use crate::store::instructions::PaymentInstruction;
    use crate::store::search::Listed;
    use crate::web::pages::instruction::tests::{NOW, admin, revised};

    const AROUND: Around = Around { now: NOW, next_night: None, is_paused: false };

    fn found(instructions: Vec<PaymentInstruction>) -> Found {
        let total = Total::Exactly(instructions.len());
        let tally = Tally { all: 12, paid: 10, failed: 1, sum: revised().net_paise, ..Tally::default() };
        let listed = |instruction| Listed { instruction, tally };
        Found { rows: instructions.into_iter().map(listed).collect(), total, ..Found::default() }
    }

    fn rendered(tab: Tab, found: Found) -> String {
        let asked = ListRequest { tab, ..ListRequest::default() };
        let shown = Shown { found: Some(found), ..Shown::default() };
        ListPage::new(&admin(), asked, shown, None, AROUND).render().unwrap()
    }

    #[test]
    fn an_empty_list_says_so_in_plain_words() {
        assert!(rendered(Tab::Waiting, found(vec![])).contains("Nothing waits for action"));
        assert!(rendered(Tab::NeedsYou, found(vec![])).contains("Nothing needs you"));
        assert!(rendered(Tab::All, found(vec![])).contains("There are no payment instructions yet"));
    }

    #[test]
    fn a_row_leads_to_its_page_and_shows_the_beginning_of_what_jit_said() {
        let said = format!("On call of FTPS API: {}", "x".repeat(500));
        let row = PaymentInstruction { ftps_message: Some(said), ..revised() };
        let page = rendered(Tab::Waiting, found(vec![row]));
        assert!(page.contains(r#"href="/payment-instructions/PI-1013/2023-24/000256""#));
        assert!(page.contains("₹ 6,37,638.00") && page.contains("9 days"));
        assert!(page.contains(&format!("{}…", "x".repeat(90))) && !page.contains(&"x".repeat(91)));
        assert!(!page.contains("On call of FTPS API"), "what every row would begin with is left out");
    }

    #[test]
    fn totals_are_told_up_to_a_thousand() {
        let told = |total| {
            let asked = ListRequest::default();
            let found = Found { total, sum: crate::domain::Paise(150), ..Found::default() };
            let results = Results::new(found, &asked, false, AROUND);
            format!("{}, {}", results.total().english(), results.sum.english())
        };
        assert_eq!(told(Total::Exactly(1)), "1 payment instruction, ₹ 1.50 in all");
        assert_eq!(told(Total::Exactly(1000)), "1,000 payment instructions, ₹ 1.50 in all");
        assert_eq!(
            told(Total::MoreThanCounted),
            "more than 1,000 payment instructions, more than ₹ 1.50 in all"
        );
        assert_eq!(told(Total::SoFar(0)), "0 found so far, ₹ 1.50 in all");
    }

    #[test]
    fn a_search_that_was_too_much_for_one_page_says_how_far_it_came() {
        let found = Found {
            total: Total::SoFar(0),
            next: search::Cursor::read("0-1", search::Order::NEWEST).ok(),
            searched_back_to: Some(NOW.naive_utc()),
            ..found(vec![])
        };
        let page = rendered(Tab::All, found);
        assert!(page.contains("back to 15/11/2023") && page.contains("rel=\"next\""));
    }
}
