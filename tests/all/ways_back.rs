//! Ways back to MUKTASoft by files: the register, and what a file of its own and the database differ in.

use std::process::Output;

use chrono::TimeDelta;
use mukta_ftps::import::{Since, export_csv};
use mukta_ftps::store::changes;
use serde_json::Value;

use crate::support::{
    Instruction, Kind, ORIGINAL, OTHER, PEOPLE, REVISED, ScratchDatabase, World, document, fed, on_both,
    original, pair, revised, stderr, stdout, with_database,
};

on_both!(
    the_register_has_a_line_for_each_beneficiary,
    a_register_goes_on_where_the_last_one_ended,
    a_register_of_many_is_complete,
    whatever_differs_is_a_line,
    an_export_differs_in_nothing,
    a_comparison_changes_nothing_and_refuses_another_schema,
);

fn run(world: &World, args: &[&str]) -> Output {
    with_database(args, &world.database).output().unwrap()
}

fn snapshot(name: &str, text: &str) {
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, text);
    });
}

async fn the_register_has_a_line_for_each_beneficiary(world: World) {
    let odd = original(ORIGINAL, PEOPLE)
        .person(0, "benefName", "=HYPERLINK(\"http://evil.example\")")
        .person(0, "paymentStatusMessage", "Account does not exist, \"closed\"")
        .person(1, "benefName", Value::Null)
        .person(1, "utrNo", "+91")
        .person(1, "utrDate", "5 Nov 23")
        .but(|one| {
            one["additionalDetails"]["billNumber"] = serde_json::json!(["WB/2023-24/000512", "@WB/2"]);
        });
    world.import(&[odd, revised(REVISED, ORIGINAL, PEOPLE)]);
    world.press_refresh(REVISED).await;
    world.import(&[revised(OTHER, REVISED, &PEOPLE[..1]).of_tenant("od.dhenkanal")]);
    let told = run(&world, &["export", "--format", "csv"]);
    assert_eq!(told.status.code(), Some(0), "{}", stderr(&told));
    let text = stdout(&told);
    assert!(text.starts_with('\u{feff}') && text.lines().count() == 8, "{text}");
    assert!(text.split_inclusive('\n').all(|line| line.ends_with("\r\n")), "as RFC 4180 has it");
    assert!(!text.contains("3013150001") && !text.contains("755001"), "no account, no mobile number");
    snapshot("register", &text.trim_start_matches('\u{feff}').replace("\r\n", "\n"));
    assert_eq!(stderr(&told), format!("next since: {}\n", world.read(changes::latest)));
}

async fn a_register_goes_on_where_the_last_one_ended(world: World) {
    world.import_pair(PEOPLE);
    let first = run(&world, &["export", "--format", "csv"]);
    let point = stderr(&first).trim().strip_prefix("next since: ").unwrap().to_owned();
    let numbers = |told: &Output| -> Vec<String> {
        let text = stdout(told);
        text.lines().skip(1).map(|line| line.split(',').nth(2).unwrap().to_owned()).collect()
    };
    assert_eq!(numbers(&first).len(), 6);
    let since = ["export", "--format", "csv", "--since", &point];
    assert!(numbers(&run(&world, &since)).is_empty());
    world.press_refresh(REVISED).await;
    assert_eq!(numbers(&run(&world, &since)), [REVISED; 3]);
    let at = world.app.clock.now() + TimeDelta::hours(1);
    let by_instant = ["export", "--format", "csv", "--since", &at.to_rfc3339().replace("+00:00", "Z")];
    assert!(numbers(&run(&world, &by_instant)).is_empty());
    let ahead = run(&world, &["export", "--format", "csv", "--since", "999"]);
    assert_eq!((ahead.status.code(), stdout(&ahead).as_str()), (Some(1), ""));
    assert!(stderr(&ahead).contains("export without --since"), "{}", stderr(&ahead));
    assert_eq!(run(&world, &["export", "--format", "xml"]).status.code(), Some(2));
}

/// More than are read at once.
async fn a_register_of_many_is_complete(world: World) {
    let numbers = world.import_many(450);
    let mut written = Vec::new();
    let exported = export_csv(&world.app.store, &world.app.sealer, Some(Since::Change(0)), &mut written);
    assert_eq!(exported.unwrap().count, 451);
    let text = String::from_utf8(written).unwrap();
    assert_eq!(text.lines().count(), 1 + 451 * PEOPLE.len());
    assert!(numbers.iter().all(|number| text.contains(number.as_str())));
}

/// The lines of a comparison with that file, which says so by its exit code.
fn compared(database: &ScratchDatabase, file: &[Instruction]) -> Vec<String> {
    let told = fed(with_database(&["compare", "-"], database), &document(file));
    let lines: Vec<String> = stdout(&told).lines().map(str::to_owned).collect();
    assert_eq!(told.status.code(), Some(i32::from(!lines.is_empty())), "{}", stderr(&told));
    match lines.len() {
        0 => assert_eq!(stderr(&told), ""),
        1 => assert!(stderr(&told).contains("1 difference between"), "{}", stderr(&told)),
        many => assert!(stderr(&told).contains(&format!("{many} differences")), "{}", stderr(&told)),
    }
    lines
}

async fn whatever_differs_is_a_line(world: World) {
    let at_first = [
        original(ORIGINAL, PEOPLE),
        revised(REVISED, ORIGINAL, PEOPLE),
        revised(OTHER, ORIGINAL, &PEOPLE[..2]),
        original("PI-ELSEWHERE", PEOPLE).of_tenant("od.dhenkanal"),
    ];
    world.import(&at_first);
    // The same in other words, of which MUKTASoft has more than one for some; what it does not tell of people, or
    // masks, is no difference. Nor are the instructions of a town that the file does not tell of.
    let same = |number: &str, people: &[&str]| {
        revised(number, ORIGINAL, people).but(|one| one["piStatus"] = "InProcess".into()).each_person(
            |_, person| {
                person["paymentStatus"] = "PAYMENT PENDING".into();
                person["benfAcctNo"] = "*******0001".into();
                person["benfMobileNo"] = Value::Null;
                person["benefName"] = Value::Null;
                person["utrNo"] = "NA".into();
            },
        )
    };
    let other_words =
        [original(&ORIGINAL.to_lowercase(), PEOPLE), same(REVISED, PEOPLE), same(OTHER, &PEOPLE[..2])];
    assert_eq!(compared(&world.database, &other_words), [""; 0]);

    world.press_refresh(REVISED).await;
    let file = [
        original(ORIGINAL, PEOPLE).inactive().person(1, "amount", "9.99"),
        same(REVISED, &PEOPLE[..1]).but(|one| one["parentPiNumber"] = Value::Null),
        revised("PI-NEW", ORIGINAL, PEOPLE),
        revised(OTHER, "PI-0", &[PEOPLE[0], "BN-9"])
            .but(|one| one["netAmount"] = 7.into())
            .person(0, "benfAcctNo", "999999999999")
            .person(0, "benfMobileNo", "9439000000")
            .person(0, "benefName", "Somebody else")
            .person(0, "beneficiaryId", "person-9")
            .person(0, "benfBankIfscCode", "UTIB0000001")
            .person(0, "paymentStatus", "FAILED"),
    ];
    let lines = compared(&world.database, &file).join("\n");
    assert!(!lines.contains("999999999999") && !lines.contains("9439000000"), "{lines}");
    snapshot("differences", &lines);
}

async fn an_export_differs_in_nothing(world: World) {
    let later = |one: Instruction, by: i64| {
        let at = (world.app.clock.now() + TimeDelta::seconds(by)).timestamp_millis();
        one.but(|one| one["auditDetails"]["lastModifiedTime"] = at.into())
    };
    world.import(&[later(revised(OTHER, "PI-NOWHERE", PEOPLE), 0)]);
    world.pay(&pair(PEOPLE)).await;
    // One came back, another is told with another amount and person since.
    let returned = revised(REVISED, ORIGINAL, PEOPLE)
        .completed()
        .but(|one| one["piStatus"] = "PARTIAL".into())
        .person(0, "paymentStatus", "Payment Failed")
        .person(1, "amount", "9.99")
        .person(2, "beneficiaryId", "somebody-else");
    world.import(&[later(returned, 60)]);
    let export = run(&world, &["export"]);
    let told = fed(with_database(&["compare", "-"], &world.database), &stdout(&export));
    assert_eq!((stdout(&told).as_str(), stderr(&told).as_str()), ("", ""));
    assert_eq!(told.status.code(), Some(0));
    let again = fed(with_database(&["import", "-"], &world.database), &stdout(&export));
    assert_eq!(stdout(&again).lines().last(), Some("imported 3: 0 created, 0 updated, 3 unchanged"));
    let nothing = fed(with_database(&["compare", "-"], &world.database), r#"{"paymentInstructions":[]}"#);
    assert!(
        stdout(&nothing).contains("not in the file"),
        "an answer without any differs: {}",
        stdout(&nothing)
    );
}

async fn a_comparison_changes_nothing_and_refuses_another_schema(kind: Kind) {
    // Without a schema it holds nothing, and gets none.
    let empty = ScratchDatabase::new(kind);
    for _ in 0..2 {
        assert_eq!(compared(&empty, &[original(ORIGINAL, PEOPLE)]), [format!("{ORIGINAL}: unknown here")]);
    }
    if matches!(kind, Kind::Sqlite) {
        assert!(!std::path::Path::new(empty.file()).exists());
    }
    let faulty = [original(ORIGINAL, PEOPLE).person(0, "amount", "1,230.50")];
    let told = fed(with_database(&["compare", "-"], &empty), &document(&faulty));
    assert_eq!((told.status.code(), stdout(&told).as_str()), (Some(1), ""));
    assert!(
        stderr(&told).contains("paymentInstructions[0].beneficiaryDetails[0].amount"),
        "{}",
        stderr(&told)
    );

    let world = World::start(kind).await;
    world.import_pair(PEOPLE);
    let before = (stdout(&run(&world, &["export"])), world.read(changes::latest));
    let file = world.database.directory.path().join("file.json");
    std::fs::write(&file, document(&[original("PI-NEW", PEOPLE)])).unwrap();
    let told = run(&world, &["compare", file.to_str().unwrap()]);
    assert_eq!(stdout(&told).lines().count(), 3, "{}", stdout(&told));
    assert_eq!((stdout(&run(&world, &["export"])), world.read(changes::latest)), before);
    assert_eq!(run(&world, &["compare", "/nowhere"]).status.code(), Some(1));

    world.database.execute("DELETE FROM __diesel_schema_migrations WHERE version LIKE '%14'");
    let told = run(&world, &["compare", file.to_str().unwrap()]);
    assert_eq!((told.status.code(), stdout(&told).as_str()), (Some(1), ""));
    assert!(stderr(&told).contains("the schema of another version"), "{}", stderr(&told));
    let key = mukta_ftps::sealing::hex(&[[1; 31].as_slice(), &[2]].concat());
    let other_key = with_database(&["compare", "-"], &world.database).env("DATA_KEY", key).output().unwrap();
    assert_eq!(other_key.status.code(), Some(1));
}
