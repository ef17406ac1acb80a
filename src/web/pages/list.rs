//! `GET /payment-instructions`: what waits for action, or what a search finds.

pub mod export;
pub mod fetch;
mod request;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use super::sought::{PEOPLE_SHOWN, Sought};
use crate::domain::PiStatus;
use crate::language::{Language, Phrase, phrase};
use crate::store::beneficiaries::Tally;
use crate::store::instructions::PaymentInstruction;
use crate::store::people::{self, FoundPeople};
use crate::store::search::{self, Cursor, Found, Listed, Total};
use crate::web::display;
use crate::web::error::WebError;
use crate::web::flags::{self, ShownFlag};
use crate::web::path::{self, Sub};
use crate::web::respond::html;
use crate::web::shell::{Section, Shell};
use crate::web::site::Site;
use crate::web::viewer::Viewer;
use request::{ListQuery, ListRequest, Tab};

/// A message is shortened to so many characters.
const MESSAGE_CHARS: usize = 140;

/// The handler.
pub async fn page(
    site: web::Data<Site>,
    viewer: Viewer,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    let asked = query.into_inner().read();
    let now = site.app.clock.now();
    if !asked.faults.all().is_empty() {
        let mut response = html(&ListPage::new(&viewer, asked, None, None, None, None, now))?;
        *response.status_mut() = StatusCode::BAD_REQUEST;
        return Ok(response);
    }
    let after = asked.cursor().map_err(|_| WebError::unreadable_address())?;
    let (scope, tab) = (viewer.scope(), asked.tab);
    let filters = asked.filters_at(now);
    let who = (asked.is_only_text() && after.is_none()).then(|| asked.typed.q.clone());
    let (found, people) = site
        .app
        .store
        .read(move |db| {
            let found = match tab {
                Tab::Waiting => search::waiting(db, &scope, after),
                Tab::NeedsYou | Tab::All => search::search(db, &scope, &filters, after),
            };
            let people = who.map(|who| people::find(db, &scope, &who, None, PEOPLE_SHOWN)).transpose()?;
            Ok((found?, people))
        })
        .await?;
    let offer = fetch::offered(&site, &viewer, &asked, &found);
    html(&ListPage::new(&viewer, asked, after, Some(found), people, offer, now))
}

#[derive(Template)]
#[template(path = "list.html")]
struct ListPage {
    shell: Shell,
    asked: ListRequest,
    /// Whether rows tell their ULB: not to those who see only one.
    names_tenants: bool,
    is_later_page: bool,
    sought: Sought,
    /// What fetching came to, told once.
    notice: Option<fetch::Notice>,
    /// The number that is not known here and can be fetched from MUKTASoft.
    offer: Option<String>,
    form_token: String,
    /// `None` if the filters make no sense.
    results: Option<Results>,
}

struct Results {
    rows: Vec<Row>,
    total: Total,
    /// The address of the next page, if there may be more.
    next: Option<String>,
    /// How far back a search got that was too much for one page.
    searched_back_to: Option<String>,
}

struct Row {
    instruction: PaymentInstruction,
    tally: Tally,
    flags: Vec<ShownFlag>,
    now: DateTime<Utc>,
}

impl ListPage {
    fn new(
        viewer: &Viewer,
        asked: ListRequest,
        after: Option<Cursor>,
        found: Option<Found>,
        people: Option<FoundPeople>,
        offer: Option<String>,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            shell: Shell::new(viewer, Section::PaymentInstructions),
            notice: fetch::Notice::named(&asked.notice),
            offer,
            form_token: viewer.form_token.clone(),
            names_tenants: viewer.scope().is_state(),
            is_later_page: after.is_some(),
            sought: Sought::new(&asked.typed.q, people),
            results: found.map(|found| Results::new(found, &asked, now)),
            asked,
        }
    }

    fn statuses(&self) -> &'static [PiStatus] {
        PiStatus::ALL
    }

    fn has_status(&self, status: &PiStatus) -> bool {
        self.asked.filters.status == Some(*status)
    }
}

impl Results {
    fn new(found: Found, asked: &ListRequest, now: DateTime<Utc>) -> Self {
        Self {
            rows: found.rows.into_iter().map(|listed| Row::new(listed, now)).collect(),
            total: found.total,
            next: found.next.map(|next| asked.page_from(next)),
            searched_back_to: found.searched_back_to.map(display::day),
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

impl Row {
    fn new(listed: Listed, now: DateTime<Utc>) -> Self {
        let Listed { instruction, tally } = listed;
        Self { flags: flags::of(&instruction, &tally, now), instruction, tally, now }
    }

    fn link(&self) -> String {
        path::link(&self.instruction.number, Sub::View)
    }

    fn date(&self) -> String {
        display::day(self.instruction.created_at)
    }

    fn kind(&self) -> Phrase {
        display::pi_kind(self.instruction.is_revised())
    }

    fn tone(&self) -> &'static str {
        display::pi_tone(self.instruction.status)
    }

    fn net_amount(&self) -> String {
        display::rupees(self.instruction.net_paise)
    }

    fn message(&self) -> Option<String> {
        self.instruction.ftps_message.as_deref().map(|message| display::shortened(message, MESSAGE_CHARS))
    }

    fn message_in(&self, language: &Language) -> Option<String> {
        let told = language.of_recorded(self.instruction.ftps_message.as_deref()?)?;
        Some(display::shortened(&told, MESSAGE_CHARS))
    }

    /// What stands where there is no message.
    fn no_message(&self) -> Phrase {
        display::no_message(&self.instruction)
    }

    fn is_stuck(&self) -> bool {
        self.instruction.is_stuck(self.now)
    }

    fn age(&self) -> Option<Phrase> {
        display::time_in_process(&self.instruction, self.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::pages::instruction::tests::{NOW, admin, revised};

    fn found(instructions: Vec<PaymentInstruction>) -> Found {
        let total = Total::Exactly(instructions.len());
        let tally = Tally { all: 12, paid: 10, failed: 1, sum: revised().net_paise, ..Tally::default() };
        let listed = |instruction| Listed { instruction, tally };
        let rows = instructions.into_iter().map(listed).collect();
        Found { rows, total, next: None, searched_back_to: None }
    }

    fn rendered(tab: Tab, found: Found) -> String {
        let asked = ListRequest { tab, ..ListRequest::default() };
        ListPage::new(&admin(), asked, None, Some(found), None, None, NOW).render().unwrap()
    }

    #[test]
    fn an_empty_list_says_so_in_plain_words() {
        assert!(rendered(Tab::Waiting, found(vec![])).contains("Nothing waits for action"));
        assert!(rendered(Tab::NeedsYou, found(vec![])).contains("Nothing needs you"));
        assert!(rendered(Tab::All, found(vec![])).contains("There are no payment instructions yet"));
    }

    #[test]
    fn a_row_leads_to_its_page_and_shows_the_beginning_of_a_long_message() {
        let row = PaymentInstruction { ftps_message: Some("x".repeat(500)), ..revised() };
        let page = rendered(Tab::Waiting, found(vec![row]));
        assert!(page.contains(r#"href="/payment-instructions/PI-1013/2023-24/000256""#));
        assert!(page.contains("₹ 6,37,638.00") && page.contains("9 days"));
        assert!(page.contains(&format!("{}…", "x".repeat(140))) && !page.contains(&"x".repeat(141)));
    }

    #[test]
    fn totals_are_told_up_to_a_thousand() {
        let told =
            |total| Results { rows: vec![], total, next: None, searched_back_to: None }.total().english();
        assert_eq!(told(Total::Exactly(1)), "1 payment instruction");
        assert_eq!(told(Total::Exactly(1000)), "1,000 payment instructions");
        assert_eq!(told(Total::MoreThanCounted), "more than 1,000 payment instructions");
        assert_eq!(told(Total::SoFar(0)), "0 found so far");
    }

    #[test]
    fn a_search_that_was_too_much_for_one_page_says_how_far_it_came() {
        let found = Found {
            total: Total::SoFar(0),
            next: Some("0-1".parse().unwrap()),
            searched_back_to: Some(NOW.naive_utc()),
            ..found(vec![])
        };
        let page = rendered(Tab::All, found);
        assert!(page.contains("back to 15/11/2023") && page.contains("rel=\"next\""));
    }
}
