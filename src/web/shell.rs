//! What surrounds every page: the product's name, who is looking, and the ways to the other pages.

use std::borrow::Cow;

use super::arrival::Arrival;
use super::assets::{ASSETS, Assets};
use super::path;
use super::site::Site;
use super::undone::Undone;
use super::viewer::Viewer;
use crate::access::Right;
use crate::language::{Language, Phrase, phrase};

/// A part of the site that the navigation leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// The day at a glance.
    Day,
    /// Search of people.
    People,
    /// Search and view of payment instructions.
    PaymentInstructions,
    /// Nightly runs.
    SyncRuns,
    /// The audit trail, for administrators and auditors.
    Audit,
    /// The SMS outbox.
    Messages,
    /// The months' reports.
    Reports,
    /// The users, for administrators.
    Employees,
}

impl Section {
    /// Whether the navigation leads them there.
    fn is_open_to(self, viewer: &Viewer) -> bool {
        match self {
            Self::Audit => viewer.may(Right::SeeAudit),
            Self::Employees => viewer.may(Right::KeepEmployees),
            Self::SyncRuns => true,
            Self::Day | Self::People | Self::PaymentInstructions | Self::Messages | Self::Reports => {
                viewer.may(Right::SeePayments)
            }
        }
    }

    /// Whether a telephone's navigation shows it before `More` is opened.
    const fn is_main(self) -> bool {
        matches!(self, Self::Day | Self::PaymentInstructions)
    }
}

/// The navigation, in its order. An icon is the path of a 24 × 24 drawing in strokes.
const NAVIGATION: &[(Section, Phrase, &str, &str)] = &[
    (Section::Day, phrase("The day"), "/", "M4 11 12 4l8 7v9H4zM10 20v-6h4v6"),
    (
        Section::PaymentInstructions,
        phrase("Payment instructions"),
        "/payment-instructions",
        "M6 3h9l4 4v14H6zM15 3v4h4M9.5 11h6M9.5 14h6M9.5 17h3.5",
    ),
    (
        Section::People,
        phrase("People"),
        "/beneficiaries",
        "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20a7.5 7.5 0 0 1 15 0z",
    ),
    (
        Section::SyncRuns,
        phrase("Nightly sync"),
        "/sync-runs",
        "M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10zM14 9h5M16.5 6.5V9",
    ),
    (Section::Messages, phrase("Messages"), "/messages", "M4 5h16v11H10l-4 4v-4H4zM8 9.5h8M8 12.5h5"),
    (Section::Reports, phrase("Reports"), "/reports", "M4 20h16M7 20v-7M12 20V5M17 20v-11"),
    (
        Section::Employees,
        phrase("Users"),
        "/employees",
        "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20a6.5 6.5 0 0 1 13 0zM16 4.5a3.5 3.5 0 0 1 0 6.5M18 14a6.5 6.5 0 0 1 3.5 6",
    ),
    (Section::Audit, phrase("Audit trail"), "/audit", "M5 4h14v16H5zM8.5 8h7M8.5 12h7M8.5 16h4"),
];

/// One way in the navigation.
#[derive(Debug)]
pub struct Way {
    /// Its words.
    pub label: &'static Phrase,
    /// Where it leads.
    pub href: &'static str,
    /// The path of its icon.
    pub icon: &'static str,
    /// Whether the page belongs to it.
    pub is_current: bool,
    /// Whether a telephone shows it before `More` is opened.
    pub is_main: bool,
}

/// The surroundings of a page.
#[derive(Debug, Default)]
pub struct Shell {
    /// Who is looking; nobody before the sign-in.
    pub viewer: Option<Viewer>,
    /// What the page's words are told in.
    pub language: Language,
    /// The token of the session's forms, if there is a session.
    pub form_token: Option<String>,
    /// A form that was not done, since its session had ended.
    pub undone: Option<Undone>,
    /// Whether JIT is asked by people alone at present, which every page says.
    pub is_paused: bool,
    section: Option<Section>,
}

impl Shell {
    /// Around a page of `section`, for `viewer`.
    pub fn new(viewer: &Viewer, section: Section) -> Self {
        Self { section: Some(section), ..Self::around(viewer) }
    }

    /// Around a page of no section, for `viewer`.
    pub fn around(viewer: &Viewer) -> Self {
        Self {
            viewer: Some(viewer.clone()),
            language: viewer.language,
            form_token: Some(viewer.form_token.clone()),
            undone: viewer.undone,
            is_paused: viewer.is_paused,
            section: None,
        }
    }

    /// Around a page for somebody who is not signed in.
    pub fn stranger(site: &Site, language: Language, form_token: Option<String>) -> Self {
        Self { language, form_token, is_paused: site.app.sync.is_paused(), ..Self::default() }
    }

    /// A template's own words, in the page's language.
    pub fn t(&self, english: &'static str) -> Cow<'static, str> {
        self.language.text(english)
    }

    /// A template's own words with one gap.
    pub fn fill(&self, english: &'static str, gap: &'static str, filling: impl ToString) -> String {
        self.tell(phrase(english).with(gap, filling.to_string()))
    }

    /// A phrase of the page's, in its language.
    pub fn tell(&self, phrase: impl AsRef<Phrase>) -> String {
        self.language.tell(phrase.as_ref())
    }

    /// Whether the viewer is somebody whom what machines say helps: an administrator.
    pub fn tells_what_machines_say(&self) -> bool {
        self.viewer.as_ref().is_some_and(|viewer| viewer.may(Right::OpenPayload))
    }

    /// What the first page after a sign-in tells.
    pub fn arrival(&self) -> Option<&Arrival> {
        self.viewer.as_ref()?.arrival.as_ref()
    }

    /// What a tenant is called, in the page's language.
    pub fn tenant(&self, id: &str) -> String {
        self.viewer.as_ref().map_or_else(|| id.to_owned(), |viewer| viewer.tenant_name(id))
    }

    /// What is recorded in English, with its translation after it.
    pub fn recorded(&self, english: &str) -> String {
        self.tell(Phrase::recorded(english))
    }

    /// The language of what is recorded, where it is not the page's.
    pub fn recorded_tag(&self) -> Option<Language> {
        (self.language != Language::English).then_some(Language::English)
    }

    /// What is recorded in English, told beside it; nothing in English.
    pub fn beside(&self, recorded: &str) -> Option<String> {
        self.language.of_recorded(recorded)
    }

    /// The address by which the page asks for itself again, which is no use of the session.
    pub fn polled(&self) -> String {
        self.viewer.as_ref().map_or_else(|| "/".to_owned(), |viewer| path::polled(&viewer.here))
    }

    /// Who prints the page, and when: a paper says so.
    pub fn printed(&self, viewer: &Viewer) -> Phrase {
        phrase("Printed by %{name}, as of %{at}.")
            .with("name", viewer.name.clone())
            .with("at", super::display::minute(viewer.seen_at.naive_utc()))
    }

    /// The languages to choose from.
    pub fn languages(&self) -> &'static [Language] {
        Language::ALL
    }

    /// The names of the static files.
    pub fn assets(&self) -> &'static Assets {
        &ASSETS
    }

    /// The navigation, as far as the viewer may go; nothing for nobody.
    pub fn ways(&self) -> Vec<Way> {
        let Some(viewer) = self
            .viewer
            .as_ref()
            .filter(|viewer| !viewer.must_change_password && !viewer.must_set_second_factor())
        else {
            return Vec::new();
        };
        NAVIGATION
            .iter()
            .filter(|(section, ..)| section.is_open_to(viewer))
            .map(|(section, label, href, icon)| Way {
                label,
                href,
                icon,
                is_current: self.section == Some(*section),
                is_main: section.is_main() || !viewer.may(Right::SeePayments),
            })
            .collect()
    }

    /// Whether a telephone lists any under `More`.
    pub fn has_more_ways(&self) -> bool {
        self.ways().iter().any(|way| !way.is_main)
    }

    /// Whether the page is one that a telephone lists under `More`.
    pub fn is_under_more(&self) -> bool {
        self.ways().iter().any(|way| way.is_current && !way.is_main)
    }
}
