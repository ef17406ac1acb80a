//! What is asked of JIT: the six facts of DOMAIN.md §3, and the walk of the parents to where some of
//! them stand.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::glitch::Glitch;
use super::text::filled;

/// What FTPS is asked about, before it is written in JIT's spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillToAsk {
    /// Number of the revised PI, `jitCorBillNo`.
    pub number: String,
    /// When the revised PI was created.
    pub date: DateTime<Utc>,
    /// Online bill reference of the original PI at JIT, `jitOrgBillRefNo`.
    pub original_reference: String,
    /// Number of the original PI, `jitOrgBillNo`.
    pub original_number: String,
    /// When the original PI was created.
    pub original_date: DateTime<Utc>,
}

/// What is known of a PI that may replace another.
pub trait Revisable {
    /// Its number.
    fn number(&self) -> &str;
    /// Of a revised PI, the number of the one it replaces.
    fn parent_number(&self) -> Option<&str>;
    /// When it was created.
    fn created(&self) -> DateTime<Utc>;
}

/// Where the parents of a PI lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ancestry<T> {
    /// Nowhere: it is an original itself.
    Itself,
    /// To this original.
    Original(T),
    /// To one that is not known here: its number.
    Unknown(String),
    /// In a circle: the numbers on the way there. What is in a circle is not linked.
    Circle(HashSet<String>),
}

impl<T: Revisable> Ancestry<T> {
    /// Follows the parents of `of`, one after another; `parent` looks one up.
    pub fn of<E>(of: &T, mut parent: impl FnMut(&T) -> Result<Option<T>, E>) -> Result<Self, E> {
        let Some(number) = of.parent_number() else { return Ok(Self::Itself) };
        let mut seen = HashSet::from([of.number().to_owned()]);
        let (mut number, mut next) = (number.to_owned(), parent(of)?);
        while let Some(at) = next {
            if !seen.insert(at.number().to_owned()) {
                return Ok(Self::Circle(seen));
            }
            match at.parent_number() {
                None => return Ok(Self::Original(at)),
                Some(parents) => parents.clone_into(&mut number),
            }
            next = parent(&at)?;
        }
        Ok(Self::Unknown(number))
    }

    /// The original of a revised PI, if its parents lead to one.
    pub fn original(self) -> Option<T> {
        match self {
            Self::Original(original) => Some(original),
            Self::Itself | Self::Unknown(_) | Self::Circle(_) => None,
        }
    }
}

/// What JIT cannot be asked about a revised PI for want of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// The payment instruction of this number, which its parents lead to.
    Original(String),
    /// An original: this payment instruction, which its parents lead to, is another town's.
    OfAnotherTown(String),
    /// An original: its parents lead in a circle.
    EndOfCircle,
    /// The online bill reference of the original of this number.
    Reference(String),
    /// The data key of the registered account of the beneficiary with this payment ID.
    DataKey(String),
}

impl From<Missing> for Glitch {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::Original(_) | Missing::OfAnotherTown(_) | Missing::EndOfCircle => {
                Glitch::OriginalNotKnown
            }
            Missing::Reference(number) => Glitch::ReferenceNotKnown(number),
            Missing::DataKey(id) => Glitch::AccountUnreadable(id),
        }
    }
}

impl BillToAsk {
    /// The six facts, or what is missing of them. `references` are the online bill references of the
    /// original's payment advice, in its order: the first that is not blank counts.
    pub fn of<'a, T: Revisable>(
        revised: &T,
        ancestry: &Ancestry<T>,
        references: impl IntoIterator<Item = Option<&'a str>>,
    ) -> Result<Self, Missing> {
        let original = match ancestry {
            Ancestry::Original(original) => original,
            Ancestry::Unknown(number) => return Err(Missing::Original(number.clone())),
            Ancestry::Itself | Ancestry::Circle(_) => return Err(Missing::EndOfCircle),
        };
        let reference = references.into_iter().find(|reference| filled(*reference).is_some()).flatten();
        Ok(Self {
            number: revised.number().to_owned(),
            date: revised.created(),
            original_reference: reference
                .ok_or_else(|| Missing::Reference(original.number().to_owned()))?
                .to_owned(),
            original_number: original.number().to_owned(),
            original_date: original.created(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Eq)]
    struct Pi(&'static str, Option<&'static str>);

    impl Revisable for Pi {
        fn number(&self) -> &str {
            self.0
        }

        fn parent_number(&self) -> Option<&str> {
            self.1
        }

        fn created(&self) -> DateTime<Utc> {
            DateTime::UNIX_EPOCH
        }
    }

    /// Follows the first of these.
    fn ancestry(all: &[Pi]) -> Ancestry<Pi> {
        let known = |of: &Pi| all.iter().find(|one| Some(one.0) == of.1).cloned();
        Ancestry::of::<()>(&all[0], |of| Ok(known(of))).unwrap()
    }

    #[test]
    fn parents_are_followed_to_the_first() {
        let original = Pi("1", None);
        assert_eq!(ancestry(std::slice::from_ref(&original)), Ancestry::Itself);
        assert_eq!(
            ancestry(&[Pi("3", Some("2")), Pi("2", Some("1")), original.clone()]),
            Ancestry::Original(original)
        );
        assert_eq!(ancestry(&[Pi("3", Some("2")), Pi("2", Some("1"))]), Ancestry::Unknown("1".to_owned()));
    }

    #[test]
    fn a_circle_is_noticed_wherever_it_begins() {
        let numbers = |all: &[Pi]| match ancestry(all) {
            Ancestry::Circle(numbers) => numbers.len(),
            other => panic!("{other:?}"),
        };
        assert_eq!(numbers(&[Pi("1", Some("1"))]), 1);
        assert_eq!(numbers(&[Pi("1", Some("2")), Pi("2", Some("1"))]), 2);
        assert_eq!(numbers(&[Pi("3", Some("1")), Pi("1", Some("2")), Pi("2", Some("1"))]), 3);
    }

    #[test]
    fn the_first_reference_that_is_not_blank_counts() {
        let (revised, original) = (Pi("2", Some("1")), Pi("1", None));
        let bill = |references: &[Option<&'static str>]| {
            BillToAsk::of(&revised, &Ancestry::Original(original.clone()), references.iter().copied())
                .map(|bill| bill.original_reference)
        };
        assert_eq!(bill(&[None, Some(" "), Some("20221"), Some("20222")]), Ok("20221".to_owned()));
        assert_eq!(bill(&[None]), Err(Missing::Reference("1".to_owned())));
        let unknown = Ancestry::Unknown("1".to_owned());
        assert_eq!(BillToAsk::of(&revised, &unknown, []), Err(Missing::Original("1".to_owned())));
    }
}
