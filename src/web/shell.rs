//! What surrounds every page: the product's name, who is looking, and the ways to the other pages.

use super::assets::{ASSETS, Assets};
use super::viewer::Viewer;

/// A part of the site that the navigation leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Search and view of payment instructions.
    PaymentInstructions,
    /// Nightly runs.
    SyncRuns,
    /// The audit trail, for administrators.
    Audit,
    /// The SMS outbox.
    Messages,
}

/// The navigation, in its order. An icon is the path of a 24 × 24 drawing in strokes.
const NAVIGATION: &[(Section, &str, &str, &str)] = &[
    (
        Section::PaymentInstructions,
        "Payment instructions",
        "/payment-instructions",
        "M6 3h9l4 4v14H6zM15 3v4h4M9.5 11h6M9.5 14h6M9.5 17h3.5",
    ),
    (
        Section::SyncRuns,
        "Nightly sync",
        "/sync-runs",
        "M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10zM14 9h5M16.5 6.5V9",
    ),
    (Section::Messages, "Messages", "/messages", "M4 5h16v11H10l-4 4v-4H4zM8 9.5h8M8 12.5h5"),
    (Section::Audit, "Audit trail", "/audit", "M5 4h14v16H5zM8.5 8h7M8.5 12h7M8.5 16h4"),
];

/// One way in the navigation.
#[derive(Debug)]
pub struct Way {
    /// Its words.
    pub label: &'static str,
    /// Where it leads.
    pub href: &'static str,
    /// The path of its icon.
    pub icon: &'static str,
    /// Whether the page belongs to it.
    pub is_current: bool,
}

/// The surroundings of a page.
#[derive(Debug, Default)]
pub struct Shell {
    /// Who is looking; nobody on an error page.
    pub viewer: Option<Viewer>,
    section: Option<Section>,
}

impl Shell {
    /// Around a page of `section`, for `viewer`.
    pub fn new(viewer: &Viewer, section: Section) -> Self {
        Self { viewer: Some(viewer.clone()), section: Some(section) }
    }

    /// Around a page of no section, for `viewer`.
    pub fn around(viewer: &Viewer) -> Self {
        Self { viewer: Some(viewer.clone()), section: None }
    }

    /// The names of the static files.
    pub fn assets(&self) -> &'static Assets {
        &ASSETS
    }

    /// The navigation, as far as the viewer may go; nothing for nobody.
    pub fn ways(&self) -> Vec<Way> {
        let Some(viewer) = &self.viewer else { return Vec::new() };
        NAVIGATION
            .iter()
            .filter(|(section, ..)| *section != Section::Audit || viewer.is_admin())
            .map(|&(section, label, href, icon)| Way {
                label,
                href,
                icon,
                is_current: self.section == Some(section),
            })
            .collect()
    }
}
