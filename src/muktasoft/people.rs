//! Names, accounts and mobile numbers, which MUKTASoft's other services hold: asked for in bulk, and only of
//! those who lack them. A masked value is no data (DOMAIN.md §8).

use std::collections::{BTreeSet, HashMap, HashSet};

use futures_util::StreamExt;
use serde_json::Value;

use super::client::{CallFault, Client, Patience, Service};
use crate::domain::record::folded;
use crate::domain::text::{self, is_invisible};
use crate::import::pulled::{Lacking, News};

/// Ids in one request.
const IDS_AT_ONCE: usize = 100;
/// Requests in flight at once.
const AT_ONCE: usize = 4;
/// The longest value that is taken.
const LONGEST_VALUE: usize = 256;

/// Services that could not be asked, and why: they are left alone until the next pull.
pub(super) type Away = HashMap<Service, CallFault>;

/// What is known of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Person {
    name: Option<String>,
    account: Option<String>,
    ifsc: Option<String>,
    mobile: Option<String>,
}

/// What asking for people came to.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// The folded numbers of the PIs whose people could not be asked for.
    pub(super) owed: Vec<String>,
    /// Of those whose people were.
    pub(super) done: Vec<String>,
}

/// Fills what `news` lack, as far as the services tell it; what is filled makes its record a changed one.
pub(super) async fn fill(
    client: &Client,
    tenant: &str,
    news: &mut [News],
    away: &mut Away,
    patience: &Patience,
) -> Asked {
    let by_type = [(Service::Individuals, "IND"), (Service::Organisations, "ORG")];
    let mut found: HashMap<(Service, String), Person> = HashMap::new();
    for (service, kind) in by_type {
        let ids = ids_of(news, |lacking, told| {
            (lacking.name || lacking.mobile) && told.is_some_and(|told| told.eq_ignore_ascii_case(kind))
        });
        found.extend(look_up(client, service, tenant, ids, away, patience).await);
    }
    let named: HashSet<String> =
        found.iter().filter(|(_, person)| person.name.is_some()).map(|((_, id), _)| id.clone()).collect();
    // The holder of an account names who has no other name.
    let accounts: BTreeSet<String> = wanted(news)
        .filter(|(lacking, id, _)| lacking.account || (lacking.name && !named.contains(*id)))
        .map(|(_, id, _)| id.to_owned())
        .collect();
    found.extend(look_up(client, Service::BankAccounts, tenant, accounts, away, patience).await);
    let mut asked = Asked::default();
    for one in news.iter_mut().filter(|one| !one.lacking.is_empty()) {
        let number = folded(&one.told.record.number);
        let is_owed = one.lacking.iter().any(|lacking| {
            let kind = one.told.record.beneficiaries[lacking.place].beneficiary_type.as_deref();
            needed(lacking, kind).iter().any(|service| away.contains_key(service))
        });
        if is_owed { &mut asked.owed } else { &mut asked.done }.push(number);
        one.is_changed |= fill_one(one, &found);
    }
    asked
}

/// The services that may tell what a beneficiary lacks.
fn needed(lacking: &Lacking, kind: Option<&str>) -> Vec<Service> {
    let of_kind = match kind {
        Some(kind) if kind.eq_ignore_ascii_case("IND") => Some(Service::Individuals),
        Some(kind) if kind.eq_ignore_ascii_case("ORG") => Some(Service::Organisations),
        _ => None,
    };
    let mut services: Vec<Service> = of_kind.into_iter().filter(|_| lacking.name || lacking.mobile).collect();
    if lacking.account || lacking.name {
        services.push(Service::BankAccounts);
    }
    services
}

/// Each beneficiary who lacks something, with id and type.
fn wanted(news: &[News]) -> impl Iterator<Item = (&Lacking, &str, Option<&str>)> {
    news.iter().flat_map(|one| {
        one.lacking.iter().filter_map(|lacking| {
            let told = one.told.record.beneficiaries.get(lacking.place)?;
            Some((lacking, told.beneficiary_id.as_deref()?, told.beneficiary_type.as_deref()))
        })
    })
}

fn ids_of(news: &[News], is_wanted: impl Fn(&Lacking, Option<&str>) -> bool) -> BTreeSet<String> {
    wanted(news)
        .filter(|(lacking, _, kind)| is_wanted(lacking, *kind))
        .map(|(_, id, _)| id.to_owned())
        .collect()
}

/// Puts what was found where it lacks; whether anything was.
fn fill_one(one: &mut News, found: &HashMap<(Service, String), Person>) -> bool {
    let mut is_filled = false;
    for lacking in &one.lacking {
        let Some(told) = one.told.record.beneficiaries.get_mut(lacking.place) else { continue };
        let Some(id) = told.beneficiary_id.clone() else { continue };
        let of = |service| found.get(&(service, id.clone()));
        let (individual, organisation) = (of(Service::Individuals), of(Service::Organisations));
        let (own, bank) = (individual.or(organisation), of(Service::BankAccounts));
        let mut fill = |field: &mut Option<String>, value: Option<&String>| {
            if field.is_none() && value.is_some() {
                *field = value.cloned();
                is_filled = true;
            }
        };
        if lacking.name {
            let name = own.and_then(|own| own.name.as_ref());
            fill(&mut told.name, name.or(bank.and_then(|bank| bank.name.as_ref())));
        }
        if lacking.mobile {
            fill(&mut told.mobile, own.and_then(|own| own.mobile.as_ref()));
        }
        if let Some(bank) = bank.filter(|bank| lacking.account && bank.account.is_some()) {
            fill(&mut told.account, bank.account.as_ref());
            fill(&mut told.ifsc, bank.ifsc.as_ref());
        }
    }
    is_filled
}

/// Asks a service for people, some at a time; one that cannot be asked is left alone from then on.
async fn look_up(
    client: &Client,
    service: Service,
    tenant: &str,
    ids: BTreeSet<String>,
    away: &mut Away,
    patience: &Patience,
) -> HashMap<(Service, String), Person> {
    let mut found = HashMap::new();
    if !client.has(service) || away.contains_key(&service) || ids.is_empty() {
        return found;
    }
    let ids: Vec<String> = ids.into_iter().collect();
    let parts: Vec<Vec<String>> = ids.chunks(IDS_AT_ONCE).map(<[String]>::to_vec).collect();
    let mut answers = futures_util::stream::iter(parts)
        .map(|ids| async move { client.people(service, tenant, &ids, patience).await })
        .buffer_unordered(AT_ONCE);
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(answer) => {
                let people = people_in(service, &answer).into_iter();
                found.extend(people.map(|(id, person)| ((service, id), person)));
            }
            Err(fault) => {
                away.insert(service, fault);
                break;
            }
        }
    }
    found
}

/// The people of an answer, by the id that they were asked for by.
fn people_in(service: Service, answer: &Value) -> Vec<(String, Person)> {
    let list = |of: &Value, key: &str| of.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let id = |of: &Value, key: &str| of.get(key).and_then(Value::as_str).map(str::to_owned);
    match service {
        Service::Individuals => list(answer, "Individual")
            .iter()
            .filter_map(|one| {
                let name = one.get("name").and_then(|name| called(name, "givenName"));
                let mobile = told(one, "mobileNumber");
                Some((id(one, "id")?, Person { name, mobile, ..Person::default() }))
            })
            .collect(),
        Service::Organisations => list(answer, "organisations")
            .iter()
            .filter_map(|one| {
                let contact = list(one, "contactDetails");
                let mobile = contact.first().and_then(|first| told(first, "contactMobileNumber"));
                Some((id(one, "id")?, Person { name: called(one, "name"), mobile, ..Person::default() }))
            })
            .collect(),
        Service::BankAccounts | Service::Search => list(answer, "bankAccounts")
            .iter()
            .filter_map(|one| {
                let details = list(one, "bankAccountDetails");
                let first = details.first()?;
                let branch = first.get("bankBranchIdentifier");
                let person = Person {
                    name: called(first, "accountHolderName"),
                    account: told(first, "accountNumber"),
                    ifsc: branch.and_then(|branch| told(branch, "code")),
                    mobile: None,
                };
                Some((id(one, "referenceId")?, person))
            })
            .collect(),
    }
}

/// A number that tells something: all of it can be seen.
fn told(of: &Value, key: &str) -> Option<String> {
    value(of, key).filter(|text| !text.chars().any(is_invisible))
}

/// A name that tells something.
fn called(of: &Value, key: &str) -> Option<String> {
    value(of, key).map(|told| text::name(&told)).filter(|name| !name.is_empty())
}

/// A value that tells something: not blank, not masked, on one line.
fn value(of: &Value, key: &str) -> Option<String> {
    let text = match of.get(key)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let is_data = !text.is_empty()
        && !text.eq_ignore_ascii_case("NA")
        && !is_masked(&text)
        && !text.chars().any(char::is_control)
        && text.chars().count() <= LONGEST_VALUE;
    is_data.then_some(text)
}

/// Whether characters stand where digits or letters were: stars, dots, or a run of crosses.
fn is_masked(text: &str) -> bool {
    let is_cross = |c: char| matches!(c, 'x' | 'X' | '#');
    let chars: Vec<char> = text.chars().collect();
    chars.iter().any(|c| matches!(c, '*' | '•' | '●' | '█'))
        || chars.windows(3).any(|run| is_cross(run[0]) && run.iter().all(|c| *c == run[0]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn masked_and_blank_values_are_no_data() {
        let of = json!({ "a": "30131500001", "b": "******4321", "c": " ", "d": 9_437_100_001_u64, "e": null,
            "l": "3013\u{200b}1500001", "m": "Sabita\u{202e} Nayak", "f": "NA", "g": "a\nb", "h": ["x"], "i": "XXXXXXXX4321", "j": "94370xxxxx", "k": "••••4321" });
        let read = |key| told(&of, key);
        assert_eq!(read("a").as_deref(), Some("30131500001"));
        assert_eq!(read("d").as_deref(), Some("9437100001"));
        assert_eq!(called(&of, "m").as_deref(), Some("Sabita Nayak"));
        for key in ["b", "c", "e", "f", "g", "h", "i", "j", "k", "l", "none"] {
            assert_eq!(read(key), None, "{key}");
        }
    }

    #[test]
    fn each_service_is_read_in_its_own_shape() {
        let one = |service, answer| people_in(service, &answer).remove(0);
        let (id, person) = one(
            Service::Individuals,
            json!({ "Individual": [{ "id": "p-1", "individualId": "IND-1", "name": { "givenName": "Sabita" },
                "mobileNumber": "9437100001" }] }),
        );
        assert_eq!((id.as_str(), person.name.as_deref()), ("p-1", Some("Sabita")));
        assert_eq!(person.mobile.as_deref(), Some("9437100001"));
        let (id, person) = one(
            Service::Organisations,
            json!({ "organisations": [{ "id": "o-1", "orgNumber": "ORG-1", "name": "Maa Tarini SHG",
                "contactDetails": [{ "contactMobileNumber": "9437100002" }] }] }),
        );
        assert_eq!((id.as_str(), person.mobile.as_deref()), ("o-1", Some("9437100002")));
        let (id, person) = one(
            Service::BankAccounts,
            json!({ "bankAccounts": [{ "referenceId": "p-1", "bankAccountDetails": [{ "accountNumber": "301",
                "accountHolderName": "S Nayak", "bankBranchIdentifier": { "code": "SBIN0012345" } }] }] }),
        );
        assert_eq!((id.as_str(), person.account.as_deref()), ("p-1", Some("301")));
        assert_eq!(person.ifsc.as_deref(), Some("SBIN0012345"));
        assert!(people_in(Service::BankAccounts, &json!({ "bankAccounts": [{}] })).is_empty());
        assert!(people_in(Service::Individuals, &json!([])).is_empty());
    }
}
