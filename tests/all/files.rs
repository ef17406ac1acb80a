//! MUKTASoft's files as they come, and what goes back to it: later than what is here, older, with holes,
//! and while something else is being written.

use std::sync::mpsc;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use mukta_ftps::import::{OnFaulty, Since, export, import};
use mukta_ftps::simulator::jit::Scenario;
use mukta_ftps::store::changes;
use mukta_ftps::sync::Order;
use serde_json::{Value, json};

use crate::support::{
    Instruction, Kind, ORIGINAL, OTHER, PEOPLE, REVISED, ScratchDatabase, World, document, fed, on_both,
    original, pair, revised, stderr, stdout, with_database,
};

on_both!(
    a_payment_that_came_back_is_told_everywhere,
    a_payment_that_ftps_reported_stays_paid_unless_it_came_back,
    a_payment_that_muktasoft_calls_failed_in_other_words_is_flagged_and_its_message_held,
    an_older_record_is_named_and_changes_nothing,
    a_time_of_the_future_is_not_believed,
    what_is_told_while_jit_is_asked_is_named,
    completed_by_a_file_with_nobody_paid_is_flagged_and_listed,
    files_are_read_as_they_come,
    an_export_goes_on_exactly_where_the_last_one_ended,
    muktasofts_own_word_goes_back_as_it_came,
    what_muktasoft_changes_after_a_payment_is_flagged,
    the_treasurys_reason_is_shown,
    what_needs_a_person_is_listed_until_it_does_not,
);

const LIST: &str = "/payment-instructions?tab=needs-you";

/// With MUKTASoft's time of its last change.
fn modified(one: Instruction, at: DateTime<Utc>) -> Instruction {
    one.but(|one| one["auditDetails"]["lastModifiedTime"] = at.timestamp_millis().into())
}

/// What MUKTASoft says once the bank sent the money to the first of them back.
fn sent_back() -> Instruction {
    revised(REVISED, ORIGINAL, PEOPLE)
        .completed()
        .but(|one| one["piStatus"] = "PARTIAL".into())
        .person(0, "paymentStatus", "Payment Failed")
        .person(0, "paymentStatusMessage", "Account does not exist.")
}

fn exported(world: &World, since: Option<Since>) -> Value {
    let mut out = Vec::new();
    export(&world.app.store, &world.app.sealer, since, &mut out).unwrap();
    serde_json::from_slice(&out).unwrap()
}

fn numbers(export: &Value) -> Vec<&str> {
    let all = export["paymentInstructions"].as_array().unwrap();
    all.iter().map(|one| one["jitBillNo"].as_str().unwrap()).collect()
}

fn point(export: &Value) -> Since {
    Since::Change(export["nextSince"].as_str().unwrap().parse().unwrap())
}

async fn listed(world: &World) -> Vec<String> {
    let page = world.get(LIST).await;
    assert_eq!(page.status, 200, "{}", page.text);
    page.all("th.key a").into_iter().map(crate::support::words).collect()
}

async fn a_payment_that_came_back_is_told_everywhere(world: World) {
    world.pay(&pair(PEOPLE)).await;
    let paid_at = world.app.clock.now();
    world.import(&[modified(sent_back(), paid_at - TimeDelta::hours(1))]);
    let row = format!("tr[data-payment-id='{}']", PEOPLE[0]);
    assert_eq!(world.view(REVISED).await.attr(&row, "data-payment-status"), "Payment Successful");

    world.later(TimeDelta::days(2));
    world.import(&[modified(sent_back(), paid_at + TimeDelta::days(1))]);
    let page = world.view(REVISED).await;
    assert_eq!(page.attr(&row, "data-payment-status"), "Payment Failed");
    assert_eq!(page.attr(&row, "data-returned"), "");
    assert_eq!(page.sms_statuses(), ["held", "waiting", "waiting"]);
    let told = page.words(&row);
    assert!(told.contains("Account does not exist.") && told.contains("returned since"), "{told}");
    assert_eq!(page.words("[data-flag=returned]"), "1 of 3 returned");
    assert_eq!(page.words("[data-flag=failed-payments]"), "1 of 3 failed, 1 of them returned");
    assert!(!page.text.contains("Every payment has been made"));
    assert_eq!(page.attr("main", "data-pi-status"), "Completed");
    assert_eq!(listed(&world).await, [REVISED]);
    let told = exported(&world, None);
    let one = &told["paymentInstructions"][1];
    assert_eq!(
        (&one["piStatus"], &one["beneficiaryDetails"][0]["paymentStatus"]),
        (&json!("PARTIAL"), &json!("Payment Failed"))
    );
    assert!(one["beneficiaryDetails"][0]["utrNo"].is_string());
    let again = import(
        &world.app.store,
        &world.app.sealer,
        told.to_string().as_bytes(),
        OnFaulty::Refuse,
        &world.app.clock,
    );
    assert_eq!(again.unwrap().unchanged, 2, "importing an export changes nothing");

    // A later PI of the same original takes it up; a newer record takes it back.
    world.import(&[revised(OTHER, REVISED, &PEOPLE[..1]).created(world.app.clock.now())]);
    assert!(listed(&world).await.is_empty());
    let healed = sent_back().completed();
    world.import(&[modified(healed, world.app.clock.now())]);
    let page = world.view(REVISED).await;
    assert_eq!(page.attr(&row, "data-payment-status"), "Payment Successful");
    assert!(page.all("[data-returned], [data-flag=returned]").is_empty());
}

async fn a_payment_that_ftps_reported_stays_paid_unless_it_came_back(world: World) {
    world.pay(&pair(PEOPLE)).await;
    let of = format!("instruction_id = (SELECT id FROM payment_instructions WHERE number = '{REVISED}')");
    for change in [
        "payment_status = 'Payment Failed'",
        "payment_status = 'Payment In Process'",
        "utr = ''",
        "utr = NULL",
    ] {
        let refused = world.database.try_to_execute(&format!("UPDATE beneficiaries SET {change} WHERE {of}"));
        assert!(refused.unwrap_err().to_string().contains("stays paid"), "{change}");
    }
    let now = "returned_at = CURRENT_TIMESTAMP";
    world
        .database
        .execute(&format!("UPDATE beneficiaries SET payment_status = 'Payment Failed', {now} WHERE {of}"));
    let refused = world.database.try_to_execute(&format!(
        "UPDATE beneficiaries SET {now}, payment_status = 'Payment Pending' WHERE {of}"
    ));
    assert!(refused.is_err(), "what came back has failed");
}

async fn a_payment_that_muktasoft_calls_failed_in_other_words_is_flagged_and_its_message_held(world: World) {
    world.pay(&pair(PEOPLE)).await;
    let undated = sent_back();
    let later = world.app.clock.now() + TimeDelta::hours(1);
    let rejected = modified(sent_back().but(|one| one["piStatus"] = "REJECTED".into()), later);
    world.later(TimeDelta::days(1));
    for told in [undated, rejected] {
        world.import(&[told]);
        let page = world.view(REVISED).await;
        assert_eq!(
            page.words("[data-flag=changed-after-payment]"),
            "1 paid by FTPS, failed by MUKTASoft's word"
        );
        assert_eq!(page.sms_statuses(), ["held", "waiting", "waiting"]);
        assert!(!page.text.contains("Every payment has been made"));
        assert!(page.words("#to-do").contains("Check with the treasury whether it was paid."));
    }
}

async fn a_time_of_the_future_is_not_believed(world: World) {
    world.import_pair(PEOPLE);
    let now = world.app.clock.now();
    let ahead = modified(revised(REVISED, ORIGINAL, PEOPLE), now + TimeDelta::days(30));
    let told = world.import(&[ahead]);
    assert!(told.notes[0].contains("in the future"), "{:?}", told.notes);
    let approved = revised(REVISED, ORIGINAL, PEOPLE).but(|one| one["piStatus"] = "APPROVED".into());
    world.import(&[modified(approved, now)]);
    assert_eq!(world.stored(REVISED).status.as_str(), "Approved");
}

async fn what_is_told_while_jit_is_asked_is_named(world: World) {
    world.import_pair(PEOPLE);
    world.jit.hold();
    world.jit.script(REVISED, vec![Scenario::ErrorList]);
    let asking = tokio::spawn({
        let (sync, id) = (world.app.sync.clone(), world.stored(REVISED).id);
        async move { sync.ask(id, Order::refresh("asha".to_owned())).await.unwrap() }
    });
    world.until(|| world.jit.in_flight() == 1).await;
    let declined = revised(REVISED, ORIGINAL, PEOPLE).but(|one| one["piStatus"] = "DECLINED".into());
    let told = world.import(std::slice::from_ref(&declined));
    assert!(told.notes.iter().any(|note| note.contains("import it again")), "{:?}", told.notes);
    world.jit.let_go();
    asking.await.unwrap();
    assert_eq!(world.stored(REVISED).status.as_str(), "In Process");
    world.import(&[declined]);
    assert_eq!(world.stored(REVISED).status.as_str(), "Declined");
}

async fn an_older_record_is_named_and_changes_nothing(world: World) {
    let at = world.app.clock.now();
    world.import(&[original(ORIGINAL, PEOPLE), modified(revised(REVISED, ORIGINAL, PEOPLE), at)]);
    let older = revised(REVISED, ORIGINAL, PEOPLE).but(|one| one["piStatus"] = "APPROVED".into());
    let older = document(&[modified(older, at - TimeDelta::seconds(1))]);
    let told = fed(with_database(&["import", "-"], &world.database), &older);
    assert_eq!(stdout(&told).lines().last(), Some("imported 1: 0 created, 0 updated, 1 unchanged"));
    assert!(stderr(&told).contains(&format!("note: {REVISED}: this record is older")), "{}", stderr(&told));
    assert_eq!(world.view(REVISED).await.attr("main", "data-pi-status"), "In Process");
}

async fn completed_by_a_file_with_nobody_paid_is_flagged_and_listed(world: World) {
    world.import_pair(PEOPLE);
    let done = revised(REVISED, ORIGINAL, PEOPLE).but(|one| one["piStatus"] = "SUCCESSFUL".into());
    world.import(&[done]);
    let words = "Completed by MUKTASoft, 3 payments open";
    assert_eq!(world.view(REVISED).await.words("[data-flag=completed-elsewhere]"), words);
    assert_eq!(world.get(LIST).await.words("[data-flag=completed-elsewhere]"), words);
    assert_eq!(listed(&world).await, [REVISED]);
    world.import(&[revised(REVISED, ORIGINAL, PEOPLE).completed()]);
    assert!(listed(&world).await.is_empty());
}

async fn files_are_read_as_they_come(kind: Kind) {
    let database = ScratchDatabase::new(kind);
    let imported = |args: &[&str], bytes: &[u8]| {
        let file = database.directory.path().join("file.json");
        std::fs::write(&file, bytes).unwrap();
        let args = [&["import", file.to_str().unwrap()], args].concat();
        with_database(&args, &database).output().unwrap()
    };
    let closing =
        |output: &std::process::Output| stdout(output).lines().last().unwrap_or_default().to_owned();
    let holes = pair(PEOPLE)[1].clone().but(|one| one["jitBillNo"] = "NA".into());
    let text = document(&[original(ORIGINAL, PEOPLE), revised(REVISED, ORIGINAL, PEOPLE), holes]);
    let utf16: Vec<u8> =
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let first = imported(&[], &utf16);
    assert_eq!(
        closing(&first),
        "imported 2: 2 created, 0 updated, 0 unchanged, 1 left out",
        "{}",
        stderr(&first)
    );
    let marked = imported(&[], format!("\u{feff}{text}").as_bytes());
    assert_eq!(closing(&marked), "imported 2: 0 created, 0 updated, 2 unchanged, 1 left out");

    // Another case of letters is the same PI; what has faults is refused, or left out alone.
    let other_case = revised(&REVISED.to_lowercase(), ORIGINAL, PEOPLE);
    let bad =
        revised(OTHER, ORIGINAL, PEOPLE).but(|one| drop(one.as_object_mut().unwrap().remove("piStatus")));
    let text = document(&[bad, other_case]).replacen("\"amount\"", "\"amount\":1,\"amount\"", 1);
    let refused = imported(&[], text.as_bytes());
    assert_eq!(refused.status.code(), Some(1));
    for fault in [
        "paymentInstructions[0].piStatus: is missing",
        "[0].beneficiaryDetails[0].amount: is there more than once",
    ] {
        assert!(stderr(&refused).contains(fault), "{}", stderr(&refused));
    }
    let skipped = imported(&["--skip-faulty"], text.as_bytes());
    assert_eq!(closing(&skipped), "imported 1: 0 created, 0 updated, 1 unchanged, 1 left out");
    assert_eq!(skipped.status.code(), Some(0));
    assert!(stderr(&skipped).contains("paymentInstructions[0].piStatus"), "{}", stderr(&skipped));

    let sums = revised(REVISED, ORIGINAL, PEOPLE).but(|one| one["netAmount"] = 99999.into());
    let noted = imported(&[], document(&[sums]).as_bytes());
    assert!(
        stderr(&noted).contains(&format!("note: {REVISED}: its net amount is 99999.00")),
        "{}",
        stderr(&noted)
    );
    let errors =
        imported(&[], br#"{"ResponseInfo":null,"Errors":[{"code":"X","message":"Not authorised"}]}"#);
    assert_eq!(errors.status.code(), Some(1));
    assert!(stderr(&errors).contains("Not authorised"), "{}", stderr(&errors));
}

async fn an_export_goes_on_exactly_where_the_last_one_ended(world: World) {
    world.import_pair(PEOPLE);
    let begun = exported(&world, None);
    assert_eq!(numbers(&begun), [ORIGINAL, REVISED]);
    assert!(numbers(&exported(&world, Some(point(&begun)))).is_empty());
    world.import_pair(PEOPLE);
    assert!(numbers(&exported(&world, Some(point(&begun)))).is_empty(), "nothing changed");
    world.press_refresh(REVISED).await;
    assert_eq!(numbers(&exported(&world, Some(point(&begun)))), [REVISED]);

    // One writer has changed its PI and not committed while another begins, commits and is exported.
    if matches!(world.database.kind, Kind::Postgres) {
        let before = exported(&world, None);
        let (changed, is_changed) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let store = world.app.store.clone();
        let slow = std::thread::spawn(move || {
            store.write_blocking(|db| {
                diesel::RunQueryDsl::execute(
                    diesel::sql_query(format!(
                        "UPDATE payment_instructions SET change_number = 0 WHERE number = '{REVISED}'"
                    )),
                    db,
                )?;
                changed.send(()).unwrap();
                may_go_on.recv().unwrap();
                Ok(())
            })
        });
        is_changed.recv().unwrap();
        world.import(&[revised(OTHER, ORIGINAL, PEOPLE)]);
        let between = exported(&world, Some(point(&before)));
        assert_eq!(numbers(&between), [OTHER]);
        go_on.send(()).unwrap();
        slow.join().unwrap().unwrap();
        assert_eq!(numbers(&exported(&world, Some(point(&between)))), [REVISED], "it is not missed");

        // One that has its number and is about to commit holds up the next number, not the readers.
        let mut drawn = PgConnection::establish(&world.database.url_text).unwrap();
        drawn
            .batch_execute(&format!(
                "BEGIN; UPDATE change_counter SET latest = latest + 1; UPDATE payment_instructions SET \
                 change_number = (SELECT latest FROM change_counter) WHERE number = '{OTHER}'"
            ))
            .unwrap();
        let (store, sealer, clock) =
            (world.app.store.clone(), world.app.sealer.clone(), world.app.clock.clone());
        let next = std::thread::spawn(move || {
            let told = document(&[original(ORIGINAL, PEOPLE).inactive()]);
            import(&store, &sealer, told.as_bytes(), OnFaulty::Refuse, &clock).unwrap()
        });
        let waits = || {
            let sql = "SELECT count(*) AS number FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
                       AND datname = current_database() AND query LIKE 'UPDATE change_counter%'";
            waiting(&world, sql) == 1
        };
        world.until(waits).await;
        let meanwhile = exported(&world, None);
        drawn.batch_execute("COMMIT").unwrap();
        assert_eq!(next.join().unwrap().updated, 1);
        assert_eq!(numbers(&exported(&world, Some(point(&meanwhile)))), [ORIGINAL, OTHER]);
    }
    let ahead = world.read(changes::latest) + 1;
    let refused =
        with_database(&["export", "--since", &ahead.to_string()], &world.database).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("export without --since"), "{}", stderr(&refused));
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    number: i64,
}

fn waiting(world: &World, sql: &str) -> i64 {
    let mut server = PgConnection::establish(&world.database.url_text).unwrap();
    diesel::RunQueryDsl::get_result::<Count>(diesel::sql_query(sql), &mut server).unwrap().number
}

async fn muktasofts_own_word_goes_back_as_it_came(world: World) {
    let in_word =
        |number: &str, word: &str, payments: &str| original(number, PEOPLE).in_state(word, payments);
    world.import(&[
        in_word("PI-1", "COMPLETED", "Payment Failed"),
        in_word("PI-2", "Declined", "NA"),
        in_word("PI-3", "SUCCESSFUL", "Payment Successful"),
        original(ORIGINAL, PEOPLE),
        revised(REVISED, ORIGINAL, PEOPLE).but(|one| one["piStatus"] = "In Process".into()),
    ]);
    let words = |world: &World| -> Vec<String> {
        let told = exported(world, None);
        let all = told["paymentInstructions"].as_array().unwrap();
        all.iter().map(|one| one["piStatus"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(words(&world), ["COMPLETED", "Declined", "SUCCESSFUL", "PARTIAL", "In Process"]);
    world.jit.know(mukta_ftps::simulator::jit::KnownInstruction {
        number: "PI-0".to_owned(),
        beneficiaries: vec![],
    });
    world.press_refresh(REVISED).await;
    assert_eq!(words(&world)[4], "SUCCESSFUL", "FTPS completed it");
}

async fn what_muktasoft_changes_after_a_payment_is_flagged(world: World) {
    world.pay(&pair(PEOPLE)).await;
    let changed = revised(REVISED, ORIGINAL, PEOPLE)
        .person(0, "amount", "9.99")
        .person(1, "beneficiaryId", "somebody-else")
        .but(|one| one["parentPiNumber"] = Value::Null);
    world.import(&[changed]);
    let page = world.view(REVISED).await;
    assert_eq!(page.words("[data-flag=changed-after-payment]"), "2 changed in MUKTASoft after the payment");
    let row = |place: usize| page.words(&format!("tr[data-payment-id='{}']", PEOPLE[place]));
    assert!(row(0).contains("₹ 1,230.50") && row(0).contains("another amount since: ₹ 9.99"), "{}", row(0));
    assert!(row(1).contains("person-1 was paid"), "{}", row(1));
    assert_eq!(page.all("#ftps-message").len(), 1, "it is still a revised one");
    let told = exported(&world, None);
    let again = import(
        &world.app.store,
        &world.app.sealer,
        told.to_string().as_bytes(),
        OnFaulty::Refuse,
        &world.app.clock,
    );
    assert_eq!(again.unwrap().unchanged, 2);
}

async fn the_treasurys_reason_is_shown(world: World) {
    let declined = |number: &str, told: &str| {
        original(number, PEOPLE).in_state("FAILED", "NA").but(|one| one["piErrorResp"] = told.into())
    };
    world.import(&[
        declined("PI-1", "{errorCode=12, errorMsg=Account 30131500001 is closed}"),
        declined("PI-2", "No funds"),
    ]);
    let page = world.view("PI-1").await;
    assert_eq!(page.words("#treasurys-reason"), "What the treasury said: Account •••• 0001 is closed");
    assert!(!page.text.contains("The treasury has declined it"));
    assert_eq!(world.view("PI-2").await.words("#treasurys-reason"), "What the treasury said: No funds");
}

async fn what_needs_a_person_is_listed_until_it_does_not(world: World) {
    let later = |seconds| world.app.clock.now() + TimeDelta::seconds(seconds);
    world.import(&[
        original(ORIGINAL, PEOPLE),
        revised(REVISED, ORIGINAL, &PEOPLE[..2]).created(later(-20)),
        revised(OTHER, "PI-NOWHERE", PEOPLE).created(later(-10)),
        revised("PI-STUCK", ORIGINAL, &PEOPLE[..2]).created(later(-8 * 86_400)),
        original("PI-LATE", &["BN-9"]).created(later(-5)).of_tenant("od.dhenkanal"),
    ]);
    world.press_refresh(OTHER).await;
    assert_eq!(listed(&world).await, [ORIGINAL, "PI-STUCK", OTHER, "PI-LATE"]);
    let narrowed = world.get(&format!("{LIST}&status=Completed")).await;
    let narrowed: Vec<String> = narrowed.all("th.key a").into_iter().map(crate::support::words).collect();
    assert_eq!(narrowed, [ORIGINAL, "PI-LATE"]);
    let town = world.browser_of("bina", mukta_ftps::access::Role::Accountant, "od.dhenkanal").await;
    let shown = town.get(LIST).await;
    assert_eq!(shown.all("th.key a").len(), 1, "{}", shown.text);
    let file = world.get("/payment-instructions.csv?tab=needs-you").await;
    assert_eq!(file.text.lines().count(), 5, "{}", file.text);
}
