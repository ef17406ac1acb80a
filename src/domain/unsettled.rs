//! Payments that wait for a person: those that failed or came back and are in no later instruction, and
//! those that are open though MUKTASoft has completed the instruction (DOMAIN.md §8).

use std::collections::{HashMap, HashSet};

use chrono::NaiveDateTime;

use super::record::folded;
use super::{CompletedBy, PaymentStatus, PiStatus};

/// An instruction of a family: an original and what replaces it.
#[derive(Debug, Clone)]
pub struct Member {
    /// Our row.
    pub id: i64,
    /// The ULB.
    pub tenant_id: String,
    /// The PI number.
    pub number: String,
    /// Of a revised PI, the number of the one it replaces.
    pub parent_number: Option<String>,
    /// When it was created (UTC).
    pub created_at: NaiveDateTime,
    /// Where it stands.
    pub status: PiStatus,
    /// An inactive one waits for nobody.
    pub is_active: bool,
    /// Who completed it.
    pub completed_by: Option<CompletedBy>,
    /// Its payments: the payment ID in lower case, and where each stands.
    pub payments: Vec<(String, PaymentStatus)>,
}

impl Member {
    fn key<'a>(&'a self, number: &str) -> (&'a str, String) {
        (&self.tenant_id, folded(number))
    }
}

/// What of an instruction waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unsettled {
    /// How many of its payments.
    pub payments: i32,
    /// If some of those failed or came back: when the original was created (UTC), from which MUKTASoft counts how
    /// long they can be corrected; `None` if that is not known here.
    pub correction_due_from: Option<NaiveDateTime>,
}

/// What of each instruction waits for a person, in the order given. Whole families are looked at: an original
/// with all that replaces it.
pub fn unsettled(members: &[Member]) -> Vec<Unsettled> {
    let by_number: HashMap<_, &Member> =
        members.iter().map(|member| (member.key(&member.number), member)).collect();
    let firsts: Vec<_> = members.iter().map(|member| first(&by_number, member)).collect();
    let mut latest: HashMap<_, (NaiveDateTime, i64)> = HashMap::new();
    for (member, first) in members.iter().zip(&firsts) {
        for (payment, _) in &member.payments {
            let holder = latest.entry((first, payment.as_str())).or_default();
            *holder = (*holder).max((member.created_at, member.id));
        }
    }
    members
        .iter()
        .zip(&firsts)
        .map(|(member, first)| {
            let waits = |(payment, status): &&(String, PaymentStatus)| match status {
                PaymentStatus::Successful => false,
                PaymentStatus::Failed => {
                    latest.get(&(first, payment.as_str())) == Some(&(member.created_at, member.id))
                }
                _ => member.completed_by != Some(CompletedBy::Ftps),
            };
            if member.status != PiStatus::Completed || !member.is_active {
                return Unsettled::default();
            }
            let waiting: Vec<_> = member.payments.iter().filter(waits).collect();
            let has_failed = waiting.iter().any(|(_, status)| *status == PaymentStatus::Failed);
            let original = by_number.get(first).filter(|first| has_failed && first.parent_number.is_none());
            Unsettled {
                payments: i32::try_from(waiting.len()).unwrap_or(i32::MAX),
                correction_due_from: original.map(|original| original.created_at),
            }
        })
        .collect()
}

/// The first original: where the parents lead, or the last number on the way there that is told. What is
/// in a circle replaces nothing.
fn first<'a>(by_number: &HashMap<(&'a str, String), &'a Member>, of: &'a Member) -> (&'a str, String) {
    let mut at = of.key(&of.number);
    let mut seen = HashSet::from([at.clone()]);
    while let Some(parent) = by_number.get(&at).and_then(|member| member.parent_number.as_deref()) {
        at = of.key(parent);
        if !seen.insert(at.clone()) {
            return of.key(&of.number);
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn member(id: i64, parent: Option<&str>, payments: &[(&str, PaymentStatus)]) -> Member {
        Member {
            id,
            tenant_id: "od.jatni".to_owned(),
            number: format!("PI-{id}"),
            parent_number: parent.map(str::to_owned),
            created_at: DateTime::from_timestamp(1_700_000_000 + id, 0).unwrap().naive_utc(),
            status: PiStatus::Completed,
            is_active: true,
            completed_by: None,
            payments: payments.iter().map(|(id, status)| ((*id).to_owned(), *status)).collect(),
        }
    }

    fn counted(members: &[Member]) -> Vec<i32> {
        unsettled(members).iter().map(|one| one.payments).collect()
    }

    #[test]
    fn a_correction_is_due_from_the_first_original_on_where_that_is_known() {
        let due = |members: &[Member]| -> Vec<Option<i64>> {
            let due = unsettled(members);
            due.iter()
                .map(|one| Some(one.correction_due_from?.and_utc().timestamp() - 1_700_000_000))
                .collect()
        };
        let original = member(1, None, &[("a", Failed), ("b", Successful)]);
        assert_eq!(due(std::slice::from_ref(&original)), [Some(1)]);
        let revised = member(2, Some("pi-1"), &[("a", Failed)]);
        let again = member(3, Some("PI-2"), &[("a", Failed)]);
        assert_eq!(due(&[original.clone(), revised.clone(), again.clone()]), [None, None, Some(1)]);
        let waits = Member { status: PiStatus::InProcess, ..again };
        assert_eq!(due(&[original.clone(), revised.clone(), waits]), [None, None, None]);
        assert_eq!(due(&[revised]), [None], "the original is not known");
        let open = member(4, None, &[("a", InProcess)]);
        assert_eq!((due(std::slice::from_ref(&open)), counted(&[open])), (vec![None], vec![1]));
        let inactive = Member { is_active: false, ..original };
        assert_eq!(due(&[inactive]), [None]);
        let circle = [member(1, Some("PI-2"), &[("a", Failed)]), member(2, Some("PI-1"), &[])];
        assert_eq!((due(&circle), counted(&circle)), (vec![None, None], vec![1, 0]));
    }

    use PaymentStatus::{Failed, InProcess, Successful};

    #[test]
    fn a_failed_payment_waits_until_a_later_instruction_of_the_same_original_holds_it() {
        let original = member(1, None, &[("a", Failed), ("b", Failed), ("c", Successful)]);
        assert_eq!(counted(std::slice::from_ref(&original)), [2]);
        let one = Member { status: PiStatus::InProcess, ..member(2, Some("pi-1"), &[("a", InProcess)]) };
        assert_eq!(counted(&[original.clone(), one]), [1, 0]);
        let failed_again = member(2, Some("PI-1"), &[("a", Failed)]);
        let third = member(3, Some("PI-2"), &[("b", Successful)]);
        assert_eq!(counted(&[original.clone(), failed_again, third]), [0, 1, 0]);
        let stranger = member(4, Some("PI-9"), &[("a", Successful)]);
        assert_eq!(counted(&[original.clone(), stranger]), [2, 0]);
        let elsewhere =
            Member { tenant_id: "od.x".to_owned(), ..member(5, Some("PI-1"), &[("a", Successful)]) };
        assert_eq!(counted(&[original, elsewhere]), [2, 0]);
    }

    #[test]
    fn those_of_an_original_that_is_not_known_are_one_family_and_a_circle_is_none() {
        let (one, two) =
            (member(1, Some("PI-0"), &[("a", Failed)]), member(2, Some("PI-0"), &[("a", Failed)]));
        assert_eq!(counted(&[two, one]), [1, 0]);
        let (one, two) =
            (member(1, Some("PI-2"), &[("a", Failed)]), member(2, Some("PI-1"), &[("a", Failed)]));
        assert_eq!(counted(&[one, two]), [1, 1]);
    }

    #[test]
    fn what_muktasoft_completed_with_payments_open_waits_unless_it_is_inactive() {
        let by_muktasoft = Member {
            completed_by: Some(CompletedBy::Muktasoft),
            ..member(1, None, &[("a", InProcess), ("b", Successful), ("c", Failed)])
        };
        assert_eq!(counted(std::slice::from_ref(&by_muktasoft)), [2]);
        assert_eq!(counted(&[Member { is_active: false, ..by_muktasoft.clone() }]), [0]);
        assert_eq!(counted(&[Member { completed_by: Some(CompletedBy::Ftps), ..by_muktasoft }]), [1]);
    }
}
