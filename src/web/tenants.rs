//! The names of the Urban Local Bodies: those that the operator gives, else what the id lets one read.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use crate::language::{Language, Phrase, phrase};

/// The state's own tenant, and its name.
const STATE: (&str, Phrase) = ("od", phrase("Odisha"));

/// Names of tenants in each language.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TenantNames(BTreeMap<String, Named>);

/// One of the list, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Named {
    id: String,
    en: String,
    or: String,
    hi: String,
}

/// Why a list of names cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NamesFault {
    /// It is not JSON of the form.
    #[error("is not a JSON list of {{\"id\",\"en\",\"or\",\"hi\"}}: {0}")]
    NotInForm(String),
    /// A name is blank, or holds what cannot be shown.
    #[error("has no usable name of {id} in “{language}”")]
    NoName {
        /// Whose.
        id: String,
        /// In which language.
        language: &'static str,
    },
    /// An id that can be none.
    #[error("names “{0}”, which is no tenant such as od or od.jatni")]
    NotATenant(String),
    /// Twice.
    #[error("names {0} twice")]
    Twice(String),
}

impl TenantNames {
    /// Reads `[{"id","en","or","hi"}]`.
    pub fn read(json: &str) -> Result<Self, NamesFault> {
        let list: Vec<Named> = serde_json::from_str(json.trim_start_matches('\u{feff}'))
            .map_err(|fault| NamesFault::NotInForm(fault.to_string()))?;
        let mut names = BTreeMap::new();
        for mut one in list {
            if crate::access::tenant(&one.id).is_err() {
                return Err(NamesFault::NotATenant(one.id));
            }
            for (language, name) in [("en", &mut one.en), ("or", &mut one.or), ("hi", &mut one.hi)] {
                *name = name.trim().to_owned();
                if name.is_empty() || name.chars().any(char::is_control) {
                    return Err(NamesFault::NoName { id: one.id, language });
                }
            }
            if let Some(twice) = names.insert(one.id.clone(), one) {
                return Err(NamesFault::Twice(twice.id));
            }
        }
        Ok(Self(names))
    }

    /// A tenant's name in that language; without one the last part of its id, capitalised.
    pub fn name<'a>(&'a self, id: &'a str, language: Language) -> Cow<'a, str> {
        match (self.0.get(id), language) {
            (Some(named), Language::English) => named.en.as_str().into(),
            (Some(named), Language::Odia) => named.or.as_str().into(),
            (Some(named), Language::Hindi) => named.hi.as_str().into(),
            (None, _) if id == STATE.0 => language.tell(&STATE.1).into(),
            (None, _) => capitalised(id.rsplit('.').next().unwrap_or(id)).into(),
        }
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const JATNI: &str = r#"{"id":"od.jatni","en":"Jatni","or":"ଜଟଣୀ","hi":"जटनी"}"#;

    #[test]
    fn a_town_has_its_name_in_the_language_of_the_page() {
        let names = TenantNames::read(&format!("\u{feff}[{JATNI}]")).unwrap();
        assert_eq!(
            Language::ALL.iter().map(|&l| names.name("od.jatni", l)).collect::<Vec<_>>(),
            ["Jatni", "ଜଟଣୀ", "जटनी"]
        );
        assert_eq!(names.name("od.dhenkanal", Language::Odia), "Dhenkanal");
        assert_eq!(names.name("od", Language::English), "Odisha");
        assert_eq!(names.name("od", Language::Odia), "ଓଡ଼ିଶା");
        assert_eq!(names.name("", Language::English), "");
    }

    #[test]
    fn a_list_that_cannot_be_used_says_why() {
        let fault = |json: &str| TenantNames::read(json).unwrap_err().to_string();
        assert!(fault("{}").contains("JSON list"));
        assert!(fault(r#"[{"id":"od.jatni","en":"Jatni","or":"ଜଟଣୀ"}]"#).contains("`hi`"));
        assert_eq!(fault(&format!("[{JATNI},{JATNI}]")), "names od.jatni twice");
        assert!(fault(&JATNI.replace("जटनी", " ").replace('{', "[{").replace('}', "}]")).contains("“hi”"));
        assert!(fault(r#"[{"id":"od..x","en":"a","or":"a","hi":"a"}]"#).contains("od..x"));
    }
}
