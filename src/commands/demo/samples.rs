//! Sample payment instructions for every row of the mapping table, in the import's format.

use chrono::{DateTime, Duration, Utc};
use mukta_ftps::simulator::jit::Scenario;
use mukta_ftps::simulator::sms::SmsScenario;
use serde_json::{Value, json};

/// A revised PI of the demo, and what the simulated JIT answers about it.
pub(super) struct Sample {
    /// The PI number.
    pub(super) number: &'static str,
    /// What JIT does, call by call; the last repeats.
    pub(super) answers: fn() -> Vec<Scenario>,
}

/// Every revised PI that the demo starts with In Process.
pub(super) const IN_PROCESS: &[Sample] = &[
    Sample { number: "PI-1013/2026-27/000256", answers: || vec![Scenario::Paid] },
    Sample {
        number: "PI-1013/2026-27/000257",
        answers: || {
            vec![Scenario::Error(
                "Bill is under process at the treasury. Please try again after some time.".into(),
            )]
        },
    },
    Sample {
        number: "PI-1013/2026-27/000258",
        answers: || vec![Scenario::Reset, Scenario::Reset, Scenario::Paid],
    },
    Sample { number: "PI-1013/2026-27/000259", answers: || vec![Scenario::MissingBeneficiary] },
    Sample { number: "PI-1013/2026-27/000260", answers: || vec![Scenario::ErrorList] },
    Sample { number: "PI-1013/2026-27/000261", answers: || vec![Scenario::OtherAccount] },
    Sample { number: "PI-1013/2026-27/000262", answers: || vec![Scenario::Slow] },
    Sample { number: "PI-1013/2026-27/000271", answers: || vec![Scenario::PaidAndFailed] },
    Sample { number: "PI-2207/2026-27/000031", answers: || vec![Scenario::EmptyData, Scenario::Paid] },
];

/// What the simulated SMS gateway does with messages to some of the people; the others' are accepted.
pub(super) const SMS_ANSWERS: &[(&str, &[SmsScenario])] = &[
    ("7550010226", &[SmsScenario::Http503, SmsScenario::Accepted]),
    ("7550010227", &[SmsScenario::Refused]),
    ("7550010228", &[SmsScenario::Http502]),
];

struct Person {
    id: &'static str,
    name: &'static str,
    account: &'static str,
    ifsc: &'static str,
    mobile: &'static str,
    rupees: &'static str,
}

const fn person(
    id: &'static str,
    name: &'static str,
    account: &'static str,
    ifsc: &'static str,
    mobile: &'static str,
    rupees: &'static str,
) -> Person {
    Person { id, name, account, ifsc, mobile, rupees }
}

/// Made-up people; the mobile numbers are of a range that no operator hands out.
const PEOPLE: &[Person] = &[
    person("BN-1013/000224", "Sabita Nayak", "30131500010224", "SBIN0012345", "7550010224", "1554.00"),
    person("BN-1013/000225", "Bikash Behera", "30131500010225", "SBIN0012345", "7550010225", "1230.50"),
    person("BN-1013/000226", "Mamata Sahoo", "41251000020226", "PUNB0412500", "7550010226", "2072.00"),
    person("BN-1013/000227", "Rabindra Pradhan", "50100200030227", "HDFC0001729", "7550010227", "1554.00"),
    person("BN-1013/000228", "Laxmi Majhi", "60011200040228", "BARB0JATNIX", "7550010228", "777.00"),
    person(
        "BN-1013/000229",
        "Kalia Construction, Jatni",
        "91402000050229",
        "UTIB0002034",
        "9999999999",
        "637638.00",
    ),
];

/// A town of the demo, and whom it pays; four people at least.
struct Town {
    tenant: &'static str,
    /// Its number within the numbers of its instructions.
    code: &'static str,
    /// Of its original at JIT.
    reference: &'static str,
    people: &'static [Person],
}

const TOWNS: &[Town] = &[
    Town { tenant: "od.jatni", code: "1013", reference: "202610028714", people: PEOPLE },
    Town {
        tenant: "od.dhenkanal",
        code: "2207",
        reference: "202610028931",
        people: &[
            person(
                "BN-2207/000041",
                "Sukanti Dehury",
                "30131500020041",
                "SBIN0002207",
                "7550020041",
                "1332.00",
            ),
            person(
                "BN-2207/000042",
                "Prafulla Sethi",
                "41251000020042",
                "PUNB0220700",
                "7550020042",
                "1776.00",
            ),
            person("BN-2207/000043", "Kuni Pradhan", "50100200020043", "HDFC0002207", "7550020043", "888.00"),
            person("BN-2207/000044", "Ranjan Sahu", "60011200020044", "BARB0DHENKA", "7550020044", "2220.00"),
        ],
    },
    Town {
        tenant: "od.paradip",
        code: "3104",
        reference: "202610029106",
        people: &[
            person(
                "BN-3104/000071",
                "Jhunu Mallick",
                "30131500030071",
                "SBIN0003104",
                "7550030071",
                "1554.00",
            ),
            person("BN-3104/000072", "Bapi Das", "41251000030072", "PUNB0310400", "7550030072", "999.00"),
            person(
                "BN-3104/000073",
                "Sanjukta Swain",
                "50100200030073",
                "HDFC0003104",
                "7550030073",
                "1998.00",
            ),
            person("BN-3104/000074", "Tapan Jena", "60011200030074", "BARB0PARADI", "7550030074", "666.50"),
        ],
    },
    Town {
        tenant: "od.balangir",
        code: "4410",
        reference: "202610029377",
        people: &[
            person(
                "BN-4410/000012",
                "Damayanti Bag",
                "30131500040012",
                "SBIN0004410",
                "7550040012",
                "1110.00",
            ),
            person(
                "BN-4410/000013",
                "Gobinda Meher",
                "41251000040013",
                "PUNB0441000",
                "7550040013",
                "1443.00",
            ),
            person("BN-4410/000014", "Sebati Rana", "50100200040014", "HDFC0004410", "7550040014", "2331.00"),
            person(
                "BN-4410/000015",
                "Nilakantha Nag",
                "60011200040015",
                "BARB0BALANG",
                "7550040015",
                "777.00",
            ),
        ],
    },
];

impl Town {
    fn number(&self, serial: usize) -> String {
        format!("PI-{}/2026-27/{serial:06}", self.code)
    }
}

/// The last part of the number of each town's original.
const PAST_ORIGINAL: usize = 390;

#[derive(Clone, Copy)]
struct Bill<'a> {
    number: &'a str,
    parent: Option<&'a str>,
    tenant: &'static str,
    status: &'static str,
    payment: &'static str,
    people: &'static [Person],
    hours_old: i64,
    reference: Option<&'static str>,
    is_active: bool,
    refusal: Option<&'static str>,
}

/// The demo's data as MUKTASoft's adapter would answer it at `now`.
pub(super) fn document(now: DateTime<Utc>) -> Value {
    let failed = |number, tenant, people, hours_old, reference| Bill {
        number,
        parent: None,
        tenant,
        status: "PARTIAL",
        payment: "Payment Failed",
        people,
        hours_old,
        reference: Some(reference),
        is_active: true,
        refusal: None,
    };
    let revised = |number, parent, tenant, people, hours_old| Bill {
        number,
        parent: Some(parent),
        tenant,
        status: "INITIATED",
        payment: "Payment In Process",
        people,
        hours_old,
        reference: None,
        is_active: true,
        refusal: None,
    };
    let (original, jatni) = ("PI-1013/2026-27/000112", "od.jatni");
    let mut bills = vec![
        failed(original, jatni, PEOPLE, 24 * 30, "202611033261"),
        failed("PI-2207/2026-27/000018", "od.dhenkanal", &PEOPLE[1..4], 24 * 21, "202611033977"),
        Bill {
            status: "SUCCESSFUL",
            payment: "Payment Successful",
            ..revised("PI-1013/2026-27/000240", original, jatni, &PEOPLE[..2], 24 * 15)
        },
        Bill {
            status: "APPROVED",
            payment: "Payment Pending",
            parent: None,
            reference: Some("202611044120"),
            ..revised("PI-1013/2026-27/000301", original, jatni, &PEOPLE[2..], 5)
        },
        Bill {
            status: "DECLINED",
            payment: "Payment Pending",
            refusal: Some("{errorCode=JIT-017, errorMsg=Insufficient fund in master allotment 3362}"),
            ..revised("PI-1013/2026-27/000265", original, jatni, &PEOPLE[4..5], 24 * 3)
        },
        // Its parent is not known here: a technical glitch of this PI alone.
        revised("PI-1013/2026-27/000263", "PI-1013/2026-27/000099", jatni, &PEOPLE[3..4], 24 * 9),
        Bill {
            is_active: false,
            ..revised("PI-1013/2026-27/000264", original, jatni, &PEOPLE[..1], 24 * 12)
        },
    ];
    for (place, sample) in IN_PROCESS.iter().enumerate() {
        let hours = 20 + 23 * i64::try_from(place).unwrap_or(0);
        bills.push(if sample.number.starts_with("PI-2207") {
            revised(sample.number, "PI-2207/2026-27/000018", "od.dhenkanal", &PEOPLE[1..4], hours)
        } else {
            revised(sample.number, original, jatni, &PEOPLE[place % 3..3 + place % 4], hours)
        });
    }
    let instructions: Vec<Value> = bills.iter().map(|bill| instruction(bill, now)).collect();
    json!({ "ResponseInfo": null, "paymentInstructions": instructions })
}

/// A correction and its original that MUKTASoft has at `now` and the demo has not.
pub(super) fn only_at_muktasoft(now: DateTime<Utc>) -> [Value; 2] {
    let original = Bill {
        number: "PI-1013/2026-27/000113",
        parent: None,
        tenant: "od.jatni",
        status: "PARTIAL",
        payment: "Payment Failed",
        people: &PEOPLE[1..4],
        hours_old: 24 * 10,
        reference: Some("202611039805"),
        is_active: true,
        refusal: None,
    };
    let correction = Bill {
        number: "PI-1013/2026-27/000272",
        parent: Some(original.number),
        status: "INITIATED",
        payment: "Payment In Process",
        hours_old: 2,
        reference: None,
        ..original
    };
    [instruction(&original, now), instruction(&correction, now)]
}

/// The originals that those of the demo's past nights replace, one of each town.
pub(super) fn past_originals(now: DateTime<Utc>) -> Vec<Value> {
    let original = |town: &Town| {
        let number = &town.number(PAST_ORIGINAL);
        let bill = Bill {
            number,
            parent: None,
            tenant: town.tenant,
            status: "PARTIAL",
            payment: "Payment Failed",
            people: town.people,
            hours_old: 24 * 30,
            reference: Some(town.reference),
            is_active: true,
            refusal: None,
        };
        instruction(&bill, now)
    };
    TOWNS.iter().map(original).collect()
}

/// A revised PI of the demo's past, pushed at `pushed`: two of five are Jatni's.
pub(super) fn past(serial: usize, pushed: DateTime<Utc>) -> Value {
    let town = &TOWNS[(serial % (TOWNS.len() + 1)).saturating_sub(1)];
    let first = serial % 2;
    let (number, parent) = (town.number(serial), town.number(PAST_ORIGINAL));
    let bill = Bill {
        number: &number,
        parent: Some(&parent),
        tenant: town.tenant,
        status: "INITIATED",
        payment: "Payment In Process",
        people: &town.people[first..first + 2 + serial % 2],
        hours_old: 0,
        reference: None,
        is_active: true,
        refusal: None,
    };
    instruction(&bill, pushed)
}

/// What MUKTASoft says at `now` of one that was paid, once the bank has sent the money to the first of its
/// people back.
pub(super) fn sent_back(mut paid: Value, now: DateTime<Utc>) -> Value {
    paid["piStatus"] = "PARTIAL".into();
    paid["auditDetails"]["lastModifiedTime"] = now.timestamp_millis().into();
    for (place, person) in paid["beneficiaryDetails"].as_array_mut().into_iter().flatten().enumerate() {
        person["paymentStatus"] = if place == 0 { "Payment Failed" } else { "Payment Successful" }.into();
        if place == 0 {
            person["paymentStatusMessage"] = "Account does not exist.".into();
        }
    }
    paid
}

fn instruction(bill: &Bill<'_>, now: DateTime<Utc>) -> Value {
    let created = now - Duration::hours(bill.hours_old);
    let day = |later: i64| (created + Duration::days(later)).format("%Y-%m-%d").to_string();
    let serial = bill.number.rsplit('/').next().unwrap_or_default();
    let advice = bill.reference.map(|reference| {
        json!([{
            "paBillRefNumber": reference, "paFinYear": "2026-27", "paAdviceId": format!("60{serial}"),
            "paAdviceDate": day(1), "paTokenNumber": format!("40{serial}"), "paTokenDate": day(1),
        }])
    });
    let total: f64 = bill.people.iter().filter_map(|person| person.rupees.parse::<f64>().ok()).sum();
    json!({
        "tenantId": bill.tenant,
        "jitBillNo": bill.number,
        "parentPiNumber": bill.parent,
        "muktaReferenceId": format!("EP/0/2026-27/11/22/{serial}"),
        "piStatus": bill.status,
        "netAmount": format!("{total:.2}"),
        "grossAmount": format!("{total:.2}"),
        "isActive": bill.is_active,
        "piErrorResp": bill.refusal,
        "auditDetails": { "createdTime": created.timestamp_millis() },
        "additionalDetails": {
            "billNumber": [format!("WB/2026-27/{serial}")],
            "hoaCode": "221705800100000351201900078",
            "mstAllotmentId": bill.parent.is_none().then_some("3362"),
        },
        "paDetails": advice,
        "beneficiaryDetails": bill.people.iter().map(|person| beneficiary(bill, person, &day(3))).collect::<Vec<_>>(),
    })
}

fn beneficiary(bill: &Bill<'_>, person: &Person, paid_on: &str) -> Value {
    let failed = bill.payment == "Payment Failed";
    let paid = bill.payment == "Payment Successful";
    let serial = person.id.rsplit('/').next().unwrap_or_default();
    json!({
        "beneficiaryId": format!("7f0c1a52-{serial}"),
        "beneficiaryType": if person.mobile == "9999999999" { "ORG" } else { "IND" },
        "beneficiaryNumber": person.id,
        "benefName": person.name,
        "benfAcctNo": person.account,
        "benfBankIfscCode": person.ifsc,
        "benfMobileNo": person.mobile,
        "amount": person.rupees,
        "paymentStatus": bill.payment,
        "paymentStatusMessage": failed.then_some("Account number is invalid or closed"),
        "utrNo": paid.then(|| format!("RBI32620{serial}")),
        "utrDate": paid.then_some(paid_on),
    })
}
