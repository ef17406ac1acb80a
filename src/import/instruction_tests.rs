use serde_json::{Value, json};

use super::*;
use crate::domain::Paise;

fn sample() -> Value {
    json!({
        "id": "a1", "tenantId": "od.jatni", "jitBillNo": "PI-1013/2023-24/000256",
        "parentPiNumber": "PI-1013/2023-24/000255", "muktaReferenceId": "EP/1", "piStatus": "INITIATED",
        "netAmount": 1230.50, "grossAmount": "1300", "isActive": true,
        "additionalDetails": { "billNumber": ["WO/1"], "hoaCode": "221705", "mstAllotmentId": "98" },
        "auditDetails": { "createdTime": 1_699_142_400_123_i64 },
        "paDetails": [{}, { "paBillRefNumber": 202_211_033_261_i64, "paAdviceDate": 1_699_142_400_000_i64 }],
        "beneficiaryDetails": [{
            "beneficiaryNumber": " BN-1013/000224 ", "amount": "1230.50", "paymentStatus": "Payment Initiated",
            "benefName": "  ", "benfAcctNo": 30_131_500_001_i64, "voucherDate": 1_699_142_400_000_i64
        }]
    })
}

/// `sample` with the value at a JSON pointer replaced, or taken away by `None`.
fn with(pointer: &str, value: Option<Value>) -> Value {
    let mut sample = sample();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match (sample.pointer_mut(parent).unwrap(), value) {
        (Value::Object(fields), Some(value)) => drop(fields.insert(key.to_owned(), value)),
        (Value::Object(fields), None) => drop(fields.shift_remove(key)),
        (Value::Array(list), Some(value)) => list[key.parse::<usize>().unwrap()] = value,
        (parent, value) => panic!("{parent} {value:?}"),
    }
    sample
}

fn read(element: &Value) -> Result<InstructionRecord, Vec<String>> {
    let mut reader = InstructionReader::default();
    match reader.read(0, &Element { value: element.clone(), twice: Vec::new() }) {
        ReadElement::Record(record) => Ok(*record),
        _ => Err(reader.faults().listed().iter().map(ToString::to_string).collect()),
    }
}

#[test]
fn a_whole_instruction_is_read() {
    let record = read(&sample()).unwrap();
    assert_eq!(record.status, PiStatus::InProcess);
    assert_eq!((record.net, record.gross), (Paise(123_050), Some(Paise(130_000))));
    assert_eq!(record.created_at.and_utc().timestamp_millis(), 1_699_142_400_123);
    assert_eq!(record.advices.len(), 1, "an entry that tells nothing is passed over");
    assert_eq!(record.advices[0].bill_reference.as_deref(), Some("202211033261"));
    assert_eq!(record.advices[0].advice_date.as_deref(), Some("2023-11-05"));
    let one = &record.beneficiaries[0];
    assert_eq!(one.payment_id, "BN-1013/000224");
    assert_eq!(one.name, None);
    assert_eq!(one.account.as_deref(), Some("30131500001"));
    assert_eq!(one.payment.status, PaymentStatus::InProcess);
    assert_eq!(one.payment.voucher_date.as_deref(), Some("2023-11-05"));
}

#[test]
fn what_is_optional_may_be_absent_or_null() {
    for key in [
        "id",
        "parentPiNumber",
        "muktaReferenceId",
        "grossAmount",
        "isActive",
        "additionalDetails",
        "paDetails",
    ] {
        for value in [None, Some(Value::Null)] {
            let record =
                read(&with(&format!("/{key}"), value)).unwrap_or_else(|faults| panic!("{key}: {faults:?}"));
            assert!(record.is_active);
        }
    }
}

#[test]
fn each_fault_is_told_with_its_path() {
    for (pointer, value, fault) in [
        ("/tenantId", None, "paymentInstructions[0].tenantId: is missing"),
        ("/tenantId", Some(json!("od jatni")), "paymentInstructions[0].tenantId: is not a tenant"),
        ("/tenantId", Some(json!(".jatni")), "paymentInstructions[0].tenantId: is not a tenant"),
        (
            "/jitBillNo",
            Some(json!("PI-\u{200b}1")),
            "paymentInstructions[0].jitBillNo: has a character in it",
        ),
        (
            "/parentPiNumber",
            Some(json!("PI-\u{202e}1")),
            "paymentInstructions[0].parentPiNumber: has a character",
        ),
        ("/tenantId", Some(json!("od.\u{2060}jatni")), "paymentInstructions[0].tenantId: is not a tenant"),
        ("/piStatus", None, "paymentInstructions[0].piStatus: is missing"),
        (
            "/auditDetails/lastModifiedTime",
            Some(json!(17)),
            "paymentInstructions[0].auditDetails.lastModifiedTime: is not a time in epoch milliseconds",
        ),
        ("/jitBillNo", Some(json!("PI\u{0}1")), "paymentInstructions[0].jitBillNo: has a control character"),
        ("/jitBillNo", Some(json!("x".repeat(129))), "paymentInstructions[0].jitBillNo: is longer than 128"),
        ("/jitBillNo", Some(json!(["x"])), "paymentInstructions[0].jitBillNo: must be a text or a number"),
        ("/piStatus", Some(json!("PAID")), "paymentInstructions[0].piStatus: “PAID” is not a status"),
        ("/netAmount", None, "paymentInstructions[0].netAmount: is missing"),
        ("/netAmount", Some(json!(-1)), "paymentInstructions[0].netAmount: is negative"),
        ("/netAmount", Some(json!("1,230.50")), "paymentInstructions[0].netAmount: is not an amount"),
        (
            "/grossAmount",
            Some(json!("1.005")),
            "paymentInstructions[0].grossAmount: has more than two decimals",
        ),
        ("/grossAmount", Some(json!(true)), "paymentInstructions[0].grossAmount: must be a text or a number"),
        ("/isActive", Some(json!(1)), "paymentInstructions[0].isActive: must be true or false"),
        (
            "/additionalDetails",
            Some(json!([])),
            "paymentInstructions[0].additionalDetails: must be an object",
        ),
        (
            "/additionalDetails/billNumber",
            Some(json!(["a", {}])),
            "paymentInstructions[0].additionalDetails.billNumber[1]: must be a text or a number",
        ),
        ("/auditDetails", None, "paymentInstructions[0].auditDetails.createdTime: is missing"),
        (
            "/auditDetails/createdTime",
            Some(json!(1_699_142_400)),
            "paymentInstructions[0].auditDetails.createdTime: is not a time in epoch milliseconds",
        ),
        (
            "/auditDetails/createdTime",
            Some(json!(1.5e12)),
            "paymentInstructions[0].auditDetails.createdTime: is not a time in epoch milliseconds",
        ),
        ("/paDetails", Some(json!({})), "paymentInstructions[0].paDetails: must be a list"),
        ("/paDetails/1", Some(json!(1)), "paymentInstructions[0].paDetails[1]: must be an object"),
        ("/beneficiaryDetails", None, "paymentInstructions[0].beneficiaryDetails: is missing or empty"),
        (
            "/beneficiaryDetails",
            Some(json!([])),
            "paymentInstructions[0].beneficiaryDetails: is missing or empty",
        ),
        ("/beneficiaryDetails", Some(json!(1)), "paymentInstructions[0].beneficiaryDetails: must be a list"),
        (
            "/beneficiaryDetails/0/beneficiaryNumber",
            None,
            "paymentInstructions[0].beneficiaryDetails[0].beneficiaryNumber: is missing",
        ),
        (
            "/beneficiaryDetails/0/beneficiaryNumber",
            Some(json!("na")),
            "paymentInstructions[0].beneficiaryDetails[0].beneficiaryNumber: is missing",
        ),
        (
            "/beneficiaryDetails/0/paymentStatus",
            None,
            "paymentInstructions[0].beneficiaryDetails[0].paymentStatus: is missing",
        ),
        (
            "/beneficiaryDetails/0/amount",
            Some(json!(0.001)),
            "paymentInstructions[0].beneficiaryDetails[0].amount: has more than two decimals",
        ),
        (
            "/beneficiaryDetails/0/paymentStatus",
            Some(json!("Payment Successful")),
            "paymentInstructions[0].beneficiaryDetails[0].paymentStatus: cannot be Payment Successful",
        ),
        (
            "/beneficiaryDetails/0/paymentStatus",
            Some(json!("Paid")),
            "paymentInstructions[0].beneficiaryDetails[0].paymentStatus: “Paid” is not a payment status",
        ),
    ] {
        let faults = read(&with(pointer, value)).unwrap_err();
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].starts_with(fault), "{faults:?} is not {fault}");
    }
}

#[test]
fn all_faults_of_an_instruction_are_told_at_once() {
    let faults = read(&json!({ "jitBillNo": [], "beneficiaryDetails": [{}, 1] })).unwrap_err();
    let paths: Vec<_> = faults.iter().map(|fault| fault.split(": ").next().unwrap()).collect();
    assert_eq!(
        paths,
        [
            "paymentInstructions[0].jitBillNo",
            "paymentInstructions[0].tenantId",
            "paymentInstructions[0].piStatus",
            "paymentInstructions[0].netAmount",
            "paymentInstructions[0].auditDetails.createdTime",
            "paymentInstructions[0].beneficiaryDetails[0].beneficiaryNumber",
            "paymentInstructions[0].beneficiaryDetails[0].amount",
            "paymentInstructions[0].beneficiaryDetails[0].paymentStatus",
            "paymentInstructions[0].beneficiaryDetails[1]",
        ]
    );
    assert_eq!(read(&json!("x")).unwrap_err(), ["paymentInstructions[0]: must be an object"]);
}

#[test]
fn a_number_twice_in_a_file_is_a_fault_of_the_second() {
    let mut reader = InstructionReader::default();
    let element =
        |number: &str| Element { value: with("/jitBillNo", Some(json!(number))), twice: Vec::new() };
    assert!(matches!(reader.read(0, &element("PI-1013/A")), ReadElement::Record(_)));
    assert!(matches!(reader.read(7, &element("pi-1013/a")), ReadElement::Faulty), "whatever its case");
    let fault = reader.faults().listed()[0].to_string();
    assert_eq!(fault, "paymentInstructions[7].jitBillNo: is already the number of paymentInstructions[0]");
}

#[test]
fn what_never_reached_jit_is_left_out_and_holes_are_read_over() {
    let mut reader = InstructionReader::default();
    for number in [None, Some(json!(null)), Some(json!(" ")), Some(json!("NA")), Some(json!("na"))] {
        let element = Element { value: with("/jitBillNo", number), twice: Vec::new() };
        assert!(matches!(reader.read(0, &element), ReadElement::WithoutNumber));
    }
    assert!(reader.faults().is_empty());
    let record = read(&with("/paDetails", Some(json!([null])))).unwrap();
    assert!(record.advices.is_empty());
    let mut rejected = with("/piStatus", Some(json!("REJECTED")));
    rejected["beneficiaryDetails"][0]["paymentStatus"] = json!("NA");
    rejected["beneficiaryDetails"].as_array_mut().unwrap().push(Value::Null);
    let record = read(&rejected).unwrap();
    assert_eq!(record.beneficiaries[0].payment.status, PaymentStatus::Pending);
    assert_eq!((record.beneficiaries.len(), record.told_status.as_deref()), (1, Some("REJECTED")));
    assert_eq!(read(&with("/parentPiNumber", Some(json!("NA")))).unwrap().parent_number, None);
}

#[test]
fn a_key_twice_is_a_fault_of_that_instruction() {
    let mut reader = InstructionReader::default();
    let twice = vec![".beneficiaryDetails[0].amount".to_owned()];
    assert!(matches!(reader.read(3, &Element { value: sample(), twice }), ReadElement::Faulty));
    let fault = reader.faults().listed()[0].to_string();
    assert_eq!(fault, "paymentInstructions[3].beneficiaryDetails[0].amount: is there more than once");
}

#[test]
fn what_the_treasury_said_is_kept_without_numbers_of_people() {
    let told = |value| read(&with("/piErrorResp", Some(value))).unwrap().error_response;
    assert_eq!(told(json!(" Bill is\nnot in order ")).as_deref(), Some("Bill is not in order"));
    assert_eq!(
        told(json!("{errorMsg=Account 30131500001 closed}")).as_deref(),
        Some("{errorMsg=Account •••• 0001 closed}")
    );
    assert_eq!(told(json!({ "errorMsg": "no" })).as_deref(), Some(r#"{"errorMsg":"no"}"#));
    assert_eq!((told(json!("NA")), told(json!(null)), told(json!(""))), (None, None, None));
}

#[test]
fn a_payment_id_twice_in_an_instruction_is_a_fault_whatever_its_case() {
    let one = |id: &str| json!({ "beneficiaryNumber": id, "amount": 1, "paymentStatus": "PENDING" });
    let faults = read(&with("/beneficiaryDetails", Some(json!([one("BN-1"), one("bn-1")])))).unwrap_err();
    assert_eq!(
        faults,
        [
            "paymentInstructions[0].beneficiaryDetails[1].beneficiaryNumber: is already the payment ID of beneficiaryDetails[0]"
        ]
    );
}

#[test]
fn initiated_means_in_process_of_a_revised_instruction_only() {
    let original = read(&with("/parentPiNumber", Some(json!(" ")))).unwrap();
    assert_eq!(original.status, PiStatus::Initiated);
    assert_eq!(original.beneficiaries[0].payment.status, PaymentStatus::Initiated);
}

#[test]
fn the_other_spellings_are_read_too() {
    let spelt = with("/auditDetails", Some(json!({ "created_time": "1699142400123" })));
    assert_eq!(read(&spelt).unwrap().created_at, read(&sample()).unwrap().created_at);
    let one = with("/additionalDetails/billNumber", Some(json!("WO/1")));
    assert_eq!(read(&one).unwrap().bill_numbers, ["WO/1"]);
}

#[test]
fn amounts_are_exact() {
    let text = serde_json::to_string(&with("/netAmount", Some(json!("NET")))).unwrap();
    for (net, paise) in [("99999999999.99", 9_999_999_999_999), ("1.23050E+3", 123_050), ("0.1", 10)] {
        let element: Value = serde_json::from_str(&text.replace("\"NET\"", net)).unwrap();
        assert_eq!(read(&element).unwrap().net, Paise(paise), "{net}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_in_a_field_makes_reading_panic(text in ".{0,40}") {
        for pointer in ["/tenantId", "/jitBillNo", "/piStatus", "/netAmount", "/auditDetails/createdTime",
            "/beneficiaryDetails/0/voucherDate", "/beneficiaryDetails/0/paymentStatus", "/isActive"] {
            let _ = read(&with(pointer, Some(json!(text))));
        }
    }
}

#[test]
fn what_nobody_sees_is_a_fault_in_a_number_and_left_out_of_names_and_days() {
    let one = "/beneficiaryDetails/0";
    for key in [
        "/id",
        "/muktaReferenceId",
        "/additionalDetails/billNumber",
        "/additionalDetails/hoaCode",
        "/additionalDetails/mstAllotmentId",
        "/paDetails/1/paBillRefNumber",
        "/paDetails/1/paAdviceId",
        "/paDetails/1/paTokenNumber",
        &format!("{one}/beneficiaryId"),
        &format!("{one}/benfAcctNo"),
        &format!("{one}/benfBankIfscCode"),
        &format!("{one}/benfMobileNo"),
        &format!("{one}/utrNo"),
        &format!("{one}/endToEndId"),
        &format!("{one}/voucherNumber"),
    ] {
        for unseen in ['\u{200b}', '\u{202e}', '\u{2066}', '\u{feff}', '\u{ad}'] {
            let faults = read(&with(key, Some(json!(format!("12{unseen}34567"))))).unwrap_err();
            assert_eq!(faults.len(), 1, "{key}: {faults:?}");
            assert!(
                faults[0].contains("that is not seen")
                    && faults[0].contains(&key[key.rfind('/').unwrap() + 1..])
            );
        }
    }
    let faults =
        read(&with("/additionalDetails/billNumber", Some(json!(["WO/1", "WO\u{202e}/2"])))).unwrap_err();
    assert!(faults[0].contains("billNumber[1]"), "{faults:?}");
    let name = with(&format!("{one}/benefName"), Some(json!("\u{202e}Sabita\u{200b} ନା\u{200c}ୟକ\u{feff}")));
    assert_eq!(read(&name).unwrap().beneficiaries[0].name.as_deref(), Some("Sabita ନା\u{200c}ୟକ"));
    for key in ["benefName", "paymentStatusMessage"] {
        let broken = with(&format!("{one}/{key}"), Some(json!("Account\tis\r\nclosed\u{0}")));
        let read = read(&broken).unwrap().beneficiaries.remove(0);
        let told = if key == "benefName" { read.name } else { read.payment.failure_reason };
        assert_eq!(told.as_deref(), Some("Account is closed"), "what has several lines loses no instruction");
    }
    let blank = with(&format!("{one}/benefName"), Some(json!("\u{200b}\u{200d}")));
    assert_eq!(read(&blank).unwrap().beneficiaries[0].name, None);
    let day = with("/paDetails/1/paAdviceDate", Some(json!("\u{200e}2023-11-05")));
    assert_eq!(read(&day).unwrap().advices[0].advice_date.as_deref(), Some("2023-11-05"));
}
