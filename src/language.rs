//! The languages of the pages, and the words to be told in them.
//!
//! English stands in the templates and in the code, as a [`Phrase`]; it is also the key under which
//! `locales/` holds the other languages. A test compares the two. What is stored (statuses,
//! the messages of DOMAIN.md §2) is English and stays so; [`Language::of_recorded`] tells it beside.

pub mod recorded;

use std::borrow::Cow;

use crate::domain::decide::MESSAGE_PREFIX;
use crate::domain::glitch::plain;
use crate::domain::words::words;
use crate::domain::{PaymentStatus, PiStatus};

#[allow(missing_docs, unreachable_pub)]
mod catalogue {
    rust_i18n::i18n!("locales", fallback = "en");

    /// What the catalogue holds for an English text.
    pub(super) fn look_up(language: &str, english: &str) -> Option<String> {
        _rust_i18n_try_translate(language, english).map(std::borrow::Cow::into_owned)
    }
}

words! {
    /// A language of the pages; the word is its tag (BCP 47).
    #[derive(Default)]
    Language {
        /// English, in which everything is recorded.
        #[default]
        English = "en",
        /// Odia.
        Odia = "or",
        /// Hindi.
        Hindi = "hi",
    }
}

impl Language {
    /// Its name in itself.
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Odia => "ଓଡ଼ିଆ",
            Self::Hindi => "हिन्दी",
        }
    }

    /// A text of the pages in this language; in English where the catalogue lacks it.
    pub fn text(self, english: &'static str) -> Cow<'static, str> {
        self.look_up(english).map_or(Cow::Borrowed(english), Cow::Owned)
    }

    /// A phrase in this language, its gaps filled.
    pub fn tell(self, phrase: &Phrase) -> String {
        match phrase {
            Phrase::Verbatim(text) => text.clone(),
            Phrase::Recorded(english) => match self.of_recorded(english) {
                Some(translation) => format!("{} – {translation}", plain(english)),
                None => plain(english).into_owned(),
            },
            Phrase::Words(english, gaps) if gaps.is_empty() => self.text(english).into_owned(),
            Phrase::Words(english, gaps) => {
                let (names, fillings): (Vec<_>, Vec<_>) =
                    gaps.iter().map(|(name, filling)| (*name, self.tell(filling))).unzip();
                rust_i18n::replace_patterns(&self.text(english), &names, &fillings)
            }
        }
    }

    /// What is recorded in English, in this language: to stand beside it. `None` in English, and for
    /// what is not ours (JIT's own words).
    pub fn of_recorded(self, english: &str) -> Option<String> {
        if self == Self::English {
            return None;
        }
        if let Some(told) = english.strip_prefix(MESSAGE_PREFIX) {
            return Some(self.of_message(self.of_sentence(told)?));
        }
        let is_status = PiStatus::ALL.iter().any(|status| status.as_str() == english)
            || PaymentStatus::ALL.iter().any(|status| status.as_str() == english);
        if is_status { self.look_up(english) } else { self.of_sentence(english) }
    }

    /// One of ours alone: JIT's own words may be the same as a label of a page.
    fn of_sentence(self, english: &str) -> Option<String> {
        let english = &*plain(english);
        recorded::sentences().find_map(|sentence| match sentence.split_once("%{") {
            None => self.look_up(english).filter(|_| sentence == english),
            Some((before, rest)) => {
                let (gap, after) = rest.split_once('}')?;
                let filling = english.strip_prefix(before)?.strip_suffix(after)?;
                Some(self.tell(&phrase(sentence).with(gap, filling)))
            }
        })
    }

    /// A message of DOMAIN.md §2 around what was told.
    pub fn of_message(self, told: impl Into<Phrase>) -> String {
        self.tell(&phrase("On call of FTPS API: %{message}").with("message", told))
    }

    fn look_up(self, english: &str) -> Option<String> {
        (self != Self::English).then(|| catalogue::look_up(self.as_str(), english)).flatten()
    }
}

/// Something for a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phrase {
    /// The same in every language: a number, a name, a date.
    Verbatim(String),
    /// Words in English, a key of the catalogue, and what fills each gap (`%{count}`) in them.
    Words(&'static str, Vec<(&'static str, Phrase)>),
    /// Words that are recorded in English: told so, with a translation after them.
    Recorded(String),
}

/// Words with these gaps, or none.
pub const fn phrase(english: &'static str) -> Phrase {
    Phrase::Words(english, Vec::new())
}

impl Phrase {
    /// Words that are recorded in English.
    pub fn recorded(english: &str) -> Self {
        Self::Recorded(english.to_owned())
    }

    /// In English, for logs and files. There is no `Display`: a page cannot show a phrase untold.
    pub fn english(&self) -> String {
        Language::English.tell(self)
    }

    /// The same, with one gap filled.
    pub fn with(mut self, gap: &'static str, filling: impl Into<Self>) -> Self {
        if let Self::Words(_, gaps) = &mut self {
            gaps.push((gap, filling.into()));
        }
        self
    }
}

impl AsRef<Phrase> for Phrase {
    fn as_ref(&self) -> &Phrase {
        self
    }
}

impl From<String> for Phrase {
    fn from(text: String) -> Self {
        Self::Verbatim(text)
    }
}

impl From<&str> for Phrase {
    fn from(text: &str) -> Self {
        Self::Verbatim(text.to_owned())
    }
}
