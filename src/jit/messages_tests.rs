use super::*;
use chrono::TimeZone;
use proptest::prelude::*;

fn bill() -> BillToAsk {
    BillToAsk {
        number: "PI-1013/2023-24/000256".to_owned(),
        date: Utc.with_ymd_and_hms(2023, 12, 31, 20, 5, 9).unwrap(),
        original_reference: "202211033261".to_owned(),
        original_number: "PI-1013/2023-24/000201".to_owned(),
        original_date: Utc.with_ymd_and_hms(2023, 11, 5, 0, 0, 0).unwrap(),
    }
}

fn dates(hours: i32, format: &str) -> Option<DateFormat> {
    DateFormat::new(FixedOffset::east_opt(hours * 3600).unwrap(), format)
}

fn parsed(json: &str) -> Answer {
    parse_answer(json.as_bytes()).unwrap()
}

fn fault(json: &str) -> String {
    match parsed(json) {
        Answer { error: None, data: AnswerData::Malformed(fault), .. } => fault,
        other => panic!("{json} is {other:?}"),
    }
}

fn only_entry(json: &str) -> Entry {
    match parsed(json).data {
        AnswerData::Entries(mut entries) if entries.len() == 1 => entries.remove(0),
        other => panic!("{json} is {other:?}"),
    }
}

#[test]
fn the_request_is_written_as_agreed() {
    let plain = dates(0, "%Y-%m-%d %H:%M:%S").unwrap();
    assert_eq!(
        request_json(&bill(), "MUKTA", &plain),
        concat!(
            r#"{"serviceId":"FTPS","params":{"jitCorBillNo":"PI-1013/2023-24/000256","#,
            r#""jitCorBillDate":"2023-12-31 20:05:09","jitCorBillDeptCode":"MUKTA","#,
            r#""jitOrgBillRefNo":"202211033261","jitOrgBillNo":"PI-1013/2023-24/000201","#,
            r#""jitOrgBillDate":"2023-11-05 00:00:00"}}"#
        )
    );
}

#[test]
fn dates_follow_offset_and_format() {
    assert_eq!(dates(5, "%d/%m/%Y %H:%M").unwrap().written(bill().date), "01/01/2024 01:05");
    assert_eq!(dates(0, "%+").unwrap().written(bill().date), "2023-12-31T20:05:09+00:00");
    for bad in ["", " ", "%", "%Y-%Q", "%!"] {
        assert!(dates(0, bad).is_none(), "{bad:?}");
    }
    let _ = dates(14, "%Y").unwrap().written(DateTime::<Utc>::MAX_UTC);
    let _ = dates(-12, "%Y %Z %z %c").unwrap().written(DateTime::<Utc>::MIN_UTC);
}

#[test]
fn what_is_no_json_object_is_no_answer() {
    for json in ["", "hello", "{", "[]", "null", "\"FTPS\"", "12", "[{}]", "{}{}"] {
        let words = parse_answer(json.as_bytes()).unwrap_err();
        let words = words.to_string();
        assert!(words.starts_with("JIT's reply is ") && words.ends_with('.'), "{words}");
    }
    assert!(parse_answer(b"{\"serviceId\":\"\xff\"}").is_err());
    assert!(parse_answer("[".repeat(100_000).as_bytes()).is_err());
    assert_eq!(parse_answer("\u{feff}{}".as_bytes()), Ok(Answer::default()));
}

#[test]
fn an_error_is_found_where_jit_puts_it() {
    for (json, error) in [
        (r#"{"errorMsg":"Bill not found"}"#, Some("Bill not found")),
        (r#"{"errorMsg":" Bill\nnot found "}"#, Some(" Bill\nnot found ")),
        (r#"{"errorMsg":"a\u0000b\u0007"}"#, Some("a\u{fffd}b\u{fffd}")),
        (r#"{"errorMsg":"x","errorMsgs":[{"errorMsg":"y"}],"data":[{"odd":1}]}"#, Some("x")),
        (r#"{"errorMsg":"x","errorMsgs":7}"#, Some("x")),
        (r#"{"errorMsg":null,"errorMsgs":[{"errorCode":"322","errorMsg":"y"}]}"#, Some("y")),
        (
            r#"{"errorMsg":" ","errorMsgs":[{"errorMsg":"y"},{"errorMsg":" "},{},{"errorMsg":"z"}]}"#,
            Some("y; z"),
        ),
        (r#"{"errorMsg":false,"errorMsgs":[{"errorMsg":"y"},3]}"#, Some("y")),
        (r#"{"errorMsg":"","errorMsgs":[]}"#, None),
        (r#"{"errorMsgs":[{"errorMsg":null}]}"#, None),
        (r#"{"errorMsg":null,"errorMsgs":null}"#, None),
        ("{}", None),
    ] {
        let answer = parsed(json);
        assert_eq!(answer.error.as_deref(), error, "{json}");
        if error.is_none() {
            assert_eq!(answer.data, AnswerData::Empty, "{json}");
        }
    }
}

#[test]
fn an_error_field_of_another_kind_is_no_silence() {
    for json in [
        r#"{"errorMsg":5}"#,
        r#"{"errorMsg":true,"data":[{"jitCorBillNo":"PI-1","benfDtls":[]}]}"#,
        r#"{"errorMsg":{"text":"x"}}"#,
        r#"{"errorMsgs":"x"}"#,
        r#"{"errorMsgs":{}}"#,
        r#"{"errorMsgs":["x"]}"#,
        r#"{"errorMsgs":[{"errorMsg":5}]}"#,
    ] {
        assert!(fault(json).contains("errorMsg"), "{json}");
    }
}

#[test]
fn data_is_empty_entries_or_malformed() {
    for empty in ["null", "[]", "\"\"", "\" \"", "{}"] {
        assert_eq!(parsed(&format!(r#"{{"data":{empty}}}"#)).data, AnswerData::Empty, "{empty}");
    }
    for odd in [
        "0",
        "false",
        "\"paid\"",
        r#"{"a":1}"#,
        "[null]",
        "[[]]",
        "[{}]",
        r#"[{"jitCorBillNo":" "}]"#,
        r#"[{"jitCorBillNo":"PI-1"},1]"#,
    ] {
        assert!(!fault(&format!(r#"{{"data":{odd}}}"#)).is_empty(), "{odd}");
    }
}

#[test]
fn an_entry_is_read_leniently() {
    let json = r#"{"serviceId":" FTPS ","later":{},"data":[{"jitCorBillNo":" PI-1 ","voucherNumber":0123456789012345678901234567890,
        "voucherDate":"2023-11-02","billRefNo":202300001234,"paymentStatus":" Paid\u0001 ","tokenNumber":{},"tokenDate":" ",
        "benfDtls":[{"benfId":"BN-1","utrNo":12345678901234567890,"utrDate":true,"benfAcctNo":12,"benfBankIfscCode":" SBIN0001 ","endToEndId":"e"},
                    {"benfId":7,"utrNo":" a\u0000 b ","benfAcctNo":null},{"benfId":"c","utrNo":[]},{"benfId":"d","utrNo":null}]}]}"#
        .replace("0123456789012345678901234567890", "123456789012345678901234567890");
    assert_eq!(parsed(&json).service_id.as_deref(), Some("FTPS"));
    let blank = EntryBeneficiary::default;
    assert_eq!(
        only_entry(&json),
        Entry {
            number: "PI-1".to_owned(),
            voucher_number: Some("123456789012345678901234567890".to_owned()),
            voucher_date: Some("2023-11-02".to_owned()),
            bill_reference: Some("202300001234".to_owned()),
            payment_status: Some("Paid\u{fffd}".to_owned()),
            failure: None,
            token_number: None,
            token_date: None,
            beneficiaries: Ok(vec![
                EntryBeneficiary {
                    payment_id: "BN-1".to_owned(),
                    utr: "12345678901234567890".to_owned(),
                    utr_date: None,
                    failure: None,
                    account: Some("12".to_owned()),
                    ifsc: Some("SBIN0001".to_owned()),
                    end_to_end_id: Some("e".to_owned()),
                },
                // What a UTR number may hold is for `decide` to say: nothing is repaired here.
                EntryBeneficiary { payment_id: "7".to_owned(), utr: "a\0 b".to_owned(), ..blank() },
                EntryBeneficiary { payment_id: "c".to_owned(), ..blank() },
                EntryBeneficiary { payment_id: "d".to_owned(), ..blank() },
            ]),
        }
    );
    let both = r#"{"data":[{"jitCorBillNo":1,"voucherNo":" ","voucherNumber":"V","benfDtls":[]}]}"#;
    assert_eq!(only_entry(both).voucher_number.as_deref(), Some("V"));
    let both = r#"{"data":[{"jitCorBillNo":1,"voucherNo":"W","voucherNumber":"V","benfDtls":[]}]}"#;
    assert_eq!(only_entry(both).voucher_number.as_deref(), Some("W"));
}

#[test]
fn a_fault_in_one_entrys_beneficiaries_stays_with_it() {
    for list in ["null", "{}", "\"x\"", "[1]", "[{}]", r#"[{"benfId":" "}]"#, r#"[{"benfId":{}}]"#] {
        let entry = only_entry(&format!(r#"{{"data":[{{"jitCorBillNo":"PI-1","benfDtls":{list}}}]}}"#));
        assert!(entry.beneficiaries.unwrap_err().contains("benf"), "{list}");
    }
    assert!(only_entry(r#"{"data":[{"jitCorBillNo":"PI-1"}]}"#).beneficiaries.is_err());
}

proptest! {
    #[test]
    fn no_bytes_make_reading_panic(noise in prop::collection::vec(any::<u8>(), 0..200), text in ".*") {
        let _ = parse_answer(&noise);
        let _ = parse_answer(text.as_bytes());
        let _ = parse_answer(format!("{{\"errorMsg\":{text:?},\"data\":[{{\"jitCorBillNo\":{text:?}}}]}}").as_bytes());
    }

    #[test]
    fn no_date_format_makes_writing_panic(format in ".*", offset in -86_399..86_400_i32, secs in any::<i64>()) {
        let offset = FixedOffset::east_opt(offset).unwrap();
        if let (Some(dates), Some(at)) = (DateFormat::new(offset, &format), DateTime::from_timestamp(secs, 0)) {
            let _ = dates.written(at);
        }
    }
}

#[test]
fn numbers_and_days_are_kept_without_what_nobody_sees() {
    let entry = only_entry(
        "{\"data\":[{\"jitCorBillNo\":\"PI-1\",\"voucherNo\":\"\u{202e}V\u{200b}1\",\"voucherDate\":\"\u{200e}2023-11-05\",\
         \"billRefNo\":\"\u{200b}\",\"tokenNumber\":\"\u{feff}77\",\"benfDtls\":[{\"benfId\":\"BN-1\",\"utrNo\":\"SB\u{200b}IN\",\
         \"benfAcctNo\":\"3013\u{2060}15\",\"benfBankIfscCode\":\"SB\u{ad}IN0\",\"endToEndId\":\"E\u{200b}1\"}]}]}",
    );
    assert_eq!(
        (entry.voucher_number.as_deref(), entry.voucher_date.as_deref()),
        (Some("V1"), Some("2023-11-05"))
    );
    assert_eq!((entry.bill_reference, entry.token_number.as_deref()), (None, Some("77")));
    let one = entry.beneficiaries.unwrap().remove(0);
    assert_eq!((one.account.as_deref(), one.ifsc.as_deref()), (Some("301315"), Some("SBIN0")));
    assert_eq!(one.end_to_end_id.as_deref(), Some("E1"));
    assert_eq!(one.utr, "SB\u{200b}IN", "whether that can be a UTR number is judged, not mended");
}
