//! The services that are asked: what a request wants, and what is told (DOMAIN.md §8).

use reqwest::Url;
use serde_json::{Value, json};

use super::register::{Person, Register, Row, beneficiaries_mut, text};

/// The two endpoints that tell of payment instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The adapter's own.
    Ifms,
    /// The one that the state's page reads, whose answer has holes.
    MuktaIfix,
}

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Search {
    Instructions(Kind),
    BankAccounts,
    Individuals,
    Organisations,
}

/// A request that cannot be answered: HTTP status 400, and why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) message: String,
}

fn missing(what: &str) -> Refusal {
    Refusal { code: "INVALID_SEARCH_CRITERIA", message: format!("{what} is needed.") }
}

/// Which part of what was found is wanted.
#[derive(Debug, Clone, Copy)]
struct Part {
    offset: usize,
    limit: usize,
}

impl Part {
    /// As `limit` and `offset`, which digit also spells `offSet`, tell it.
    fn of(value: &Value, most: usize) -> Self {
        let number = |field: &str| usize::try_from(value.get(field)?.as_u64()?).ok();
        Self {
            offset: number("offset").or_else(|| number("offSet")).unwrap_or(0),
            limit: number("limit").unwrap_or(most).min(most),
        }
    }

    fn taken<T>(self, found: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
        found.skip(self.offset).take(self.limit)
    }
}

/// What is asked of the search of instructions.
struct Criteria<'a> {
    tenant: Option<&'a str>,
    number: Option<&'a str>,
    is_revised: Option<bool>,
}

impl Criteria<'_> {
    fn fits(&self, row: &Row) -> bool {
        // The fault of the adapter's SQL: who asks for originals gets those of every tenant.
        let forgets_tenant = self.is_revised == Some(false);
        self.tenant.is_none_or(|tenant| forgets_tenant || row.tenant == tenant)
            && self.number.is_none_or(|number| row.number.as_deref() == Some(number))
            && self.is_revised.is_none_or(|is_revised| row.is_revised == is_revised)
    }
}

/// The answer's JSON; `most` is how many a page holds at most.
pub(super) fn instructions(
    register: &Register,
    kind: Kind,
    request: &Value,
    most: usize,
    tells_count: bool,
) -> Result<String, Refusal> {
    let (criteria, part) = match kind {
        Kind::Ifms => (&request["searchCriteria"], &request["searchCriteria"]),
        Kind::MuktaIfix => (&request["criteria"], &request["pagination"]),
    };
    let part = Part::of(part, most);
    let criteria = Criteria {
        tenant: text(criteria, "tenantId"),
        number: text(criteria, "piNumber"),
        is_revised: text(criteria, "piType").map(|kind| kind.eq_ignore_ascii_case("REVISED")),
    };
    if criteria.tenant.is_none() && criteria.number.is_none() && criteria.is_revised.is_none() {
        return Err(missing("At least one criterion"));
    }
    let candidates: Box<dyn Iterator<Item = &Row>> = match criteria.number {
        Some(number) => Box::new(register.row(number).into_iter()),
        None => Box::new(register.rows()),
    };
    let found: Vec<&Row> = candidates.filter(|row| criteria.fits(row)).collect();
    let count = match kind {
        _ if !tells_count => String::new(),
        Kind::Ifms => format!(r#","totalCount":{}"#, found.len()),
        Kind::MuktaIfix => format!(r#","pagination":{{"totalCount":{}}}"#, found.len()),
    };
    let page: Vec<String> = part
        .taken(found.into_iter())
        .map(|row| match kind {
            Kind::Ifms => row.json.to_string(),
            Kind::MuktaIfix => with_holes(row),
        })
        .collect();
    Ok(format!(
        r#"{{"ResponseInfo":{{"status":"successful"}},"paymentInstructions":[{}]{count}}}"#,
        page.join(",")
    ))
}

/// An instruction as the other endpoint tells it: `[null]` where there is no payment advice, and of one that
/// never reached JIT neither numbers nor statuses.
fn with_holes(row: &Row) -> String {
    let Ok(mut instruction) = serde_json::from_str::<Value>(&row.json) else { return row.json.to_string() };
    if instruction["paDetails"].as_array().is_none_or(Vec::is_empty) {
        instruction["paDetails"] = json!([null]);
    }
    if row.number.is_none() {
        without(&mut instruction, "piStatus");
        instruction["jitBillNo"] = "NA".into();
        for beneficiary in beneficiaries_mut(&mut instruction) {
            without(beneficiary, "paymentStatus");
            beneficiary["beneficiaryNumber"] = "NA".into();
        }
    }
    instruction.to_string()
}

fn without(value: &mut Value, field: &str) {
    if let Some(fields) = value.as_object_mut() {
        fields.shift_remove(field);
    }
}

/// The bank accounts of the persons asked for.
pub(super) fn bank_accounts(register: &Register, request: &Value, masks: bool) -> Result<String, Refusal> {
    let criteria = &request["bankAccountDetails"];
    let tenant = text(criteria, "tenantId").ok_or_else(|| missing("tenantId"))?;
    let account = |(id, person): (&str, &Person)| {
        Some(json!({
            "tenantId": tenant,
            "referenceId": id,
            "bankAccountDetails": [{
                "accountNumber": shown(Some(person.account.as_ref()?), masks),
                "accountHolderName": person.name,
                "bankBranchIdentifier": { "type": "IFSC", "code": person.ifsc },
            }],
        }))
    };
    let part = Part::of(&request["pagination"], usize::MAX);
    let found = people(register, &criteria["referenceId"])?.into_iter().filter_map(account);
    Ok(json!({ "ResponseInfo": null, "bankAccounts": part.taken(found).collect::<Vec<_>>() }).to_string())
}

/// The wage seekers asked for; tenant and paging stand in the path's query.
pub(super) fn individuals(
    register: &Register,
    path: &str,
    request: &Value,
    masks: bool,
) -> Result<String, Refusal> {
    let asked = |name: &str| {
        let url = Url::parse(&format!("http://muktasoft{path}")).ok()?;
        let (_, value) = url.query_pairs().find(|(key, _)| key == name)?;
        Some(value.into_owned()).filter(|value| !value.trim().is_empty())
    };
    asked("tenantId").ok_or_else(|| missing("tenantId"))?;
    let number = |name: &str| asked(name)?.parse::<usize>().ok();
    let part = Part {
        offset: number("offset").ok_or_else(|| missing("offset"))?,
        limit: number("limit").ok_or_else(|| missing("limit"))?,
    };
    let found = people(register, &request["Individual"]["id"])?.into_iter();
    let individual = |(id, person): (&str, &Person)| {
        json!({
            "id": id,
            "individualId": format!("IND-{id}"),
            "name": { "givenName": person.name },
            "mobileNumber": shown(person.mobile.as_ref(), masks),
        })
    };
    let found = found.filter(|(_, person)| !person.is_organisation).map(individual);
    Ok(json!({ "ResponseInfo": null, "Individual": part.taken(found).collect::<Vec<_>>() }).to_string())
}

/// The organisations asked for; departments are among them.
pub(super) fn organisations(register: &Register, request: &Value, masks: bool) -> Result<String, Refusal> {
    let criteria = &request["SearchCriteria"];
    text(criteria, "tenantId").ok_or_else(|| missing("tenantId"))?;
    let organisation = |(id, person): (&str, &Person)| {
        json!({
            "id": id,
            "orgNumber": format!("ORG-{id}"),
            "name": person.name,
            "contactDetails": [{ "contactMobileNumber": shown(person.mobile.as_ref(), masks) }],
        })
    };
    let part = Part::of(&request["pagination"], usize::MAX);
    let found = people(register, &criteria["id"])?.into_iter();
    let found = found.filter(|(_, person)| person.is_organisation).map(organisation);
    Ok(json!({ "ResponseInfo": null, "organisations": part.taken(found).collect::<Vec<_>>() }).to_string())
}

/// The persons with these IDs, those that are known.
fn people<'a>(register: &'a Register, ids: &'a Value) -> Result<Vec<(&'a str, &'a Person)>, Refusal> {
    let ids = ids.as_array().filter(|ids| !ids.is_empty()).ok_or_else(|| missing("At least one ID"))?;
    Ok(ids.iter().filter_map(Value::as_str).filter_map(|id| Some((id, register.person(id)?))).collect())
}

/// A number, or what is left of it where it is masked: `******4321`.
fn shown(number: Option<&String>, masks: bool) -> Option<String> {
    let number = number?;
    if !masks {
        return Some(number.clone());
    }
    let left = number.char_indices().rev().nth(3).map_or(number.as_str(), |(at, _)| &number[at..]);
    Some(format!("******{left}"))
}
