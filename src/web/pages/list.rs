//! `GET /payment-instructions`: what waits for action, or all.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::ftps::PiStatus;
use crate::store::instructions::{self, PaymentInstruction};
use crate::web::Site;
use crate::web::display;
use crate::web::error::{WebError, html};
use crate::web::path::{self, Sub};
use crate::web::shell::{Section, Shell};
use crate::web::viewer::Viewer;

/// At most this many are listed.
const LIMIT: i64 = 100;
/// A message is shortened to so many characters.
const MESSAGE_CHARS: usize = 140;

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub struct ListQuery {
    tab: Option<String>,
}

impl ListQuery {
    fn all(&self) -> bool {
        self.tab.as_deref() == Some("all")
    }
}

/// The handler.
pub async fn page(
    site: web::Data<Site>,
    viewer: Viewer,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    let (scope, all) = (viewer.scope(), query.all());
    let found = site.app.store.read(move |db| instructions::list(db, &scope, !all, LIMIT)).await?;
    html(&ListPage::new(&viewer, all, found, site.app.clock.now()))
}

#[derive(Template)]
#[template(path = "list.html")]
struct ListPage {
    shell: Shell,
    all: bool,
    rows: Vec<Row>,
}

struct Row {
    instruction: PaymentInstruction,
    now: DateTime<Utc>,
}

impl ListPage {
    fn new(viewer: &Viewer, all: bool, found: Vec<PaymentInstruction>, now: DateTime<Utc>) -> Self {
        let rows = found.into_iter().map(|instruction| Row { instruction, now }).collect();
        Self { shell: Shell::new(viewer, Section::PaymentInstructions), all, rows }
    }

    /// Whether there may be more than the page shows.
    fn is_cut(&self) -> bool {
        i64::try_from(self.rows.len()).is_ok_and(|shown| shown >= LIMIT)
    }
}

impl Row {
    fn link(&self) -> String {
        path::link(&self.instruction.number, Sub::View)
    }

    fn date(&self) -> String {
        display::day(self.instruction.created_at)
    }

    fn kind(&self) -> &'static str {
        if self.instruction.is_revised() { "Revised" } else { "Original" }
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

    /// What stands where there is no message.
    fn no_message(&self) -> &'static str {
        if self.instruction.is_waiting() { "FTPS not asked yet" } else { "—" }
    }

    fn is_stuck(&self) -> bool {
        self.instruction.is_stuck(self.now)
    }

    fn age(&self) -> Option<String> {
        let since =
            self.instruction.in_process_since.filter(|_| self.instruction.status == PiStatus::InProcess)?;
        Some(display::age(since, self.now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::pages::instruction::tests::{NOW, admin, revised};

    fn rendered(all: bool, found: Vec<PaymentInstruction>) -> String {
        ListPage::new(&admin(), all, found, NOW).render().unwrap()
    }

    #[test]
    fn an_empty_list_says_so_in_plain_words() {
        assert!(rendered(false, vec![]).contains("Nothing waits for action"));
        assert!(rendered(true, vec![]).contains("There are no payment instructions yet"));
    }

    #[test]
    fn a_row_leads_to_its_page_and_shows_the_beginning_of_a_long_message() {
        let found = PaymentInstruction { ftps_message: Some("x".repeat(500)), ..revised() };
        let page = rendered(false, vec![found]);
        assert!(page.contains(r#"href="/payment-instructions/PI-1013/2023-24/000256""#));
        assert!(page.contains("₹ 6,37,638.00") && page.contains("9 days"));
        assert!(page.contains(&format!("{}…", "x".repeat(140))) && !page.contains(&"x".repeat(141)));
    }
}
