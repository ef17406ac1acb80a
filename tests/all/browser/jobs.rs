//! The six questions of an accountant's day, each asked of 240 payment instructions of four towns after a night:
//! how many clicks, searches and pages it takes from the page that the sign-in leads to.

use std::cell::Cell;

use chrono::TimeDelta;
use mukta_ftps::domain::{MessageReason, Outcome, PiStatus};
use mukta_ftps::simulator::jit::Scenario;
use mukta_ftps::simulator::sms::SmsScenario;
use mukta_ftps::store::instructions::PaymentInstruction;
use thirtyfour::prelude::*;

use super::accessible::sheets;
use super::chromium::{Chromium, OFFICE, Scripts};
use super::stage::sign_in;
use crate::support::{Kind, World, at, original, revised};

const TOWNS: [&str; 4] = ["od.jatni", "od.dhenkanal", "od.cuttack", "od.berhampur"];
const OF_EACH: usize = 60;
const UNDER_PROCESS: &str = "Bill is under process at the treasury";
/// Whose payments somebody asks about at the desk, and the place of each among the towns'.
const SABITA: &str = "Sabita Nayak";
const HERS: [(usize, usize); 2] = [(0, 41), (2, 13)];

/// What a job took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Effort {
    clicks: usize,
    searches: usize,
    pages: usize,
}

/// A person at a desk, whose every step is counted from the day's page on.
struct Desk<'a> {
    person: &'a Chromium,
    so_far: Cell<Effort>,
}

impl<'a> Desk<'a> {
    async fn at(person: &'a Chromium) -> Self {
        person.go("/").await;
        Self { person, so_far: Cell::new(Effort { pages: 1, ..Effort::default() }) }
    }

    async fn click(&self, selector: &str) {
        self.person.click_through(selector).await;
        let Effort { clicks, searches, pages } = self.so_far.get();
        self.so_far.set(Effort { clicks: clicks + 1, searches, pages: pages + 1 });
    }

    async fn search(&self, text: &str) {
        self.person.fill("#q", text).await;
        let page = self.person.find("html").await;
        self.person.press(Key::Enter).await;
        self.person.gone(&page).await;
        let Effort { clicks, searches, pages } = self.so_far.get();
        self.so_far.set(Effort { clicks, searches: searches + 1, pages: pages + 1 });
    }

    /// It is answered, by what that names, within the goal.
    async fn is_answered_by(&self, selector: &str, job: &str, goal: Effort) {
        let rect = self.person.find(selector).await.rect().await.unwrap();
        let took = self.so_far.get();
        println!(
            "{job}: {} clicks, {} searches, {} pages; the answer begins {:.0} px down",
            took.clicks, took.searches, took.pages, rect.y
        );
        assert_eq!(took, goal, "{job}");
        self.person.check_page(job).await;
    }
}

fn number(town: usize, place: usize) -> String {
    format!("PI-{}/2023-24/{place:06}", 1013 + town)
}

fn mobile(town: usize, place: usize) -> String {
    format!("98{:08}", town * 1000 + place)
}

/// 240 of four towns, and the night over them: most are paid; of their messages, some fail.
async fn world_after_a_night() -> World {
    let world = World::start(Kind::Sqlite).await;
    let first = at("2024-03-10T05:00:00Z");
    let mut all = Vec::new();
    for (town, tenant) in TOWNS.iter().enumerate() {
        let parent = number(town, 0);
        let people = [format!("BN-{town}/000000")];
        all.push(original(&parent, &people).of_tenant(tenant).person(0, "benefName", "Kuni Behera"));
        for place in 1..=OF_EACH {
            let people = [format!("BN-{town}/{place:06}"), format!("BN-{town}/{:06}", 500 + place)];
            let one = revised(&number(town, place), &parent, &people).of_tenant(tenant);
            let hours = i64::try_from(place * TOWNS.len() + town).unwrap();
            let one = one.created(first + TimeDelta::hours(hours)).each_person(|seat, person| {
                let is_hers = seat == 0 && HERS.contains(&(town, place));
                let name =
                    if is_hers { SABITA.to_uppercase() } else { format!("Kuni Behera {town} {place}") };
                person["benefName"] = name.into();
                person["benfMobileNo"] = if seat == 0 { mobile(town, place) } else { String::new() }.into();
            });
            all.push(one.but(|one| {
                let bill = format!("WB/2023-24/{:06}", town * 1000 + place);
                one["additionalDetails"]["billNumber"] = vec![bill].into();
            }));
            let scenario = match place % 20 {
                7 => Scenario::Error(UNDER_PROCESS.into()),
                11 => Scenario::EmptyBody,
                12 => Scenario::Http500,
                _ => Scenario::Paid,
            };
            world.jit.script(&number(town, place), vec![scenario]);
            if place % 15 == 4 {
                let refused_once = vec![SmsScenario::Refused, SmsScenario::Accepted];
                world.gateway.script(&mobile(town, place), refused_once);
            }
        }
    }
    world.import(&all);
    world.app.sync.look_after().await.unwrap();
    world.set_clock(at("2024-03-31T22:00:00+05:30"));
    world.app.sync.look_after().await.unwrap();
    world.deliver().await;
    // What was an error in the night is paid by the morning.
    world.jit.script(&number(0, 7), vec![Scenario::Paid]);
    world.press_refresh(&number(0, 7)).await;
    world
}

/// All of the night's.
fn asked(world: &World) -> Vec<PaymentInstruction> {
    let places = (0..TOWNS.len()).flat_map(|town| (1..=OF_EACH).map(move |place| (town, place)));
    places.map(|(town, place)| world.stored(&number(town, place))).collect()
}

async fn what_happened_last_night(world: &World, person: &Chromium) {
    let desk = Desk::at(person).await;
    let all = asked(world);
    let open = |outcome| {
        let is_open = |pi: &&PaymentInstruction| {
            pi.status == PiStatus::InProcess && pi.latest_outcome() == Some(outcome)
        };
        all.iter().filter(is_open).count()
    };
    let paid = all.iter().filter(|pi| pi.status == PiStatus::Completed).count();
    let told = [
        ("night-successful", paid),
        ("night-errors", open(Outcome::Error)),
        ("night-glitches", open(Outcome::Glitch)),
        ("night-no-response", open(Outcome::NoResponse)),
        ("night-unasked", 0),
    ];
    assert_eq!(told.iter().map(|(_, count)| count).sum::<usize>(), all.len());
    for (figure, count) in told {
        assert_eq!(person.words(&format!("[data-figure={figure}]")).await, count.to_string(), "{figure}");
        assert_eq!(
            person.count(&format!("div:has(> dd [data-figure={figure}]) a[href]")).await,
            1,
            "{figure}"
        );
    }
    assert_eq!(told.map(|(_, count)| count), [205, 11, 12, 12, 0], "one error of the night is paid by now");
    let goal = Effort { clicks: 0, searches: 0, pages: 1 };
    desk.is_answered_by("[data-figure=night-successful]", "What happened last night?", goal).await;
}

async fn is_the_pi_of_this_bill_paid(person: &Chromium) {
    for pasted in ["  wb \\ 2023\u{2013}24 / 1042. ", "PI-1014 / 2023-24 / 42."] {
        let desk = Desk::at(person).await;
        desk.search(pasted).await;
        assert_eq!(person.count("table.list tbody tr").await, 1, "{pasted}");
        let row = person.words("table.list tbody tr").await;
        assert!(row.starts_with(&number(1, 42)) && row.contains("Completed"), "{row}");
        let goal = Effort { clicks: 0, searches: 1, pages: 2 };
        desk.is_answered_by("table.list tbody tr", "Is the PI of this bill paid?", goal).await;
    }
}

async fn which_are_stuck_longest_and_why(world: &World, person: &Chromium) {
    let desk = Desk::at(person).await;
    let mut waiting = asked(world);
    waiting.retain(|pi| pi.status == PiStatus::InProcess);
    waiting.sort_by_key(|pi| pi.in_process_since);
    let rows = person.driver.find_all(By::Css("[aria-labelledby=oldest-heading] tbody tr")).await.unwrap();
    assert_eq!(rows.len(), 5);
    for (row, pi) in rows.iter().zip(&waiting) {
        let told = row.text().await.unwrap();
        assert!(told.contains(&pi.number), "{} comes in its turn: {told}", pi.number);
        let why = pi.ftps_message.as_deref().unwrap();
        assert!(told.contains(why), "{why}: {told}");
    }
    let goal = Effort { clicks: 0, searches: 0, pages: 1 };
    desk.is_answered_by(
        "[aria-labelledby=oldest-heading] tbody tr",
        "Which are stuck longest, and why?",
        goal,
    )
    .await;
    desk.click("[aria-labelledby=oldest-heading] .more a").await;
    assert_eq!(person.count("table.list tbody tr").await, waiting.len(), "all of them");
    let goal = Effort { clicks: 1, searches: 0, pages: 2 };
    desk.is_answered_by("table.list tbody tr", "All that are stuck", goal).await;
}

async fn which_sms_failed_and_what_do_i_do(world: &World, person: &Chromium) {
    let refused = of_reason(world, MessageReason::Refused);
    assert!(refused > 10, "enough for a work of its own: {refused}");
    let desk = Desk::at(person).await;
    desk.click("div:has(> dd [data-figure=sms-failed]) a").await;
    let group = |reason: &str| format!(".groups [data-reason='{reason}']");
    for (reason, word, what_to_do) in [
        (MessageReason::NoNumber, "no-number", "Have it entered in MUKTASoft."),
        (MessageReason::Refused, "refused", "Once the cause is mended, send them again."),
    ] {
        let count = of_reason(world, reason).to_string();
        assert_eq!(person.attribute(&group(word), "data-count").await, count);
        let told = person.words(&group(word)).await;
        assert!(told.contains(&count) && told.contains(what_to_do), "{told}");
    }
    let goal = Effort { clicks: 1, searches: 0, pages: 2 };
    desk.is_answered_by(".groups", "Which SMS failed, what do I do?", goal).await;

    desk.click(&format!("{} a", group("refused"))).await;
    desk.click("#marked a[href^='/messages/resend']").await;
    assert_eq!(person.words("h1").await, format!("Send {refused} messages again?"));
    person.check_page("the question before many SMS").await;
    desk.click("form#resend button").await;
    assert_eq!(person.words("#notice").await, format!("{refused} messages will be sent again."));
    assert!(person.address().await.starts_with("/messages?reason=refused"), "where one was");
    let goal = Effort { clicks: 4, searches: 0, pages: 5 };
    desk.is_answered_by("#notice", "All of them sent again", goal).await;
    world.deliver().await;
    assert_eq!(of_reason(world, MessageReason::Refused), 0);
}

fn of_reason(world: &World, reason: MessageReason) -> usize {
    world.messages().iter().filter(|message| message.reason == Some(reason)).count()
}

async fn how_much_was_paid_this_month(world: &World, person: &Chromium) {
    let desk = Desk::at(person).await;
    desk.click("nav.side a[href='/reports']").await;
    assert_eq!(person.words("h1").await, "Report of 03/2024");
    assert_eq!(person.count("tr[data-tenant]").await, TOWNS.len() + 1, "each town, and the total");
    let paid = 2 * asked(world).iter().filter(|pi| pi.status == PiStatus::Completed).count();
    let of = |tenant: &str| format!("tr[data-tenant='{tenant}'] td[data-value]");
    let mut of_towns = 0;
    for tenant in TOWNS {
        of_towns += person.attribute(&of(tenant), "data-value").await.parse::<usize>().unwrap();
    }
    assert_eq!(of_towns, paid);
    assert_eq!(person.words(&of("total")).await, format!("{paid} ₹ 5,04,505.00"));
    let goal = Effort { clicks: 1, searches: 0, pages: 2 };
    desk.is_answered_by("tr[data-tenant]", "How much was paid this month?", goal).await;
    assert_eq!(sheets(&person.print().await), 1, "on one sheet");
}

async fn was_she_paid(person: &Chromium) {
    let desk = Desk::at(person).await;
    desk.search("Smt. Nayak, Sabita").await;
    let rows = person.driver.find_all(By::Css("#people tr[data-payment-id]")).await.unwrap();
    assert_eq!(rows.len(), HERS.len());
    for row in rows {
        let told = row.text().await.unwrap();
        for fact in [&SABITA.to_uppercase(), "Payment Successful", "1,230.50"] {
            assert!(told.contains(fact), "{fact}: {told}");
        }
        let paid = row.find(By::Css("td:has(> div > .utr)")).await.unwrap().text().await.unwrap();
        let (utr, date) = paid.split_once('\n').unwrap();
        assert!(utr.len() > 8 && date.matches('/').count() == 2, "the UTR number and its date: {paid}");
    }
    let goal = Effort { clicks: 0, searches: 1, pages: 2 };
    desk.is_answered_by("#people tr[data-payment-id]", "Was she paid?", goal).await;
}

async fn the_six_jobs(scripts: Scripts) {
    let world = world_after_a_night().await;
    let person = Chromium::open(&world, OFFICE, scripts).await;
    sign_in(&person, "asha").await;
    assert_eq!(person.address().await, "/", "the sign-in leads to the day");
    what_happened_last_night(&world, &person).await;
    is_the_pi_of_this_bill_paid(&person).await;
    which_are_stuck_longest_and_why(&world, &person).await;
    how_much_was_paid_this_month(&world, &person).await;
    was_she_paid(&person).await;
    which_sms_failed_and_what_do_i_do(&world, &person).await;
    person.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_question_of_the_day_is_answered_in_one_look() {
    the_six_jobs(Scripts::On).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_question_of_the_day_is_answered_in_one_look_without_scripts() {
    the_six_jobs(Scripts::Off).await;
}
