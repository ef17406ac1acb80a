//! What people may do, and what a browser is told: docs/SECURITY.md names these tests.

use std::collections::BTreeSet;

use mukta_ftps::access::Role;
use mukta_ftps::domain::MessageState;
use mukta_ftps::simulator::jit::Scenario;
use mukta_ftps::simulator::sms::SmsScenario;
use mukta_ftps::store::audit::{self, Action, Action::*};
use mukta_ftps::store::employees;
use mukta_ftps::store::scope::Scope;

use crate::support::{
    Browser, Kind, ORIGINAL, PEOPLE, Page, REVISED, World, on_both, original, payment_ids, revised,
};

on_both!(
    a_form_without_the_token_or_from_another_site_does_nothing,
    every_route_for_every_role_and_town,
    the_role_is_judged_before_what_a_form_holds,
    a_form_that_is_empty_is_of_nobody,
    foreign_words_turn_nothing_around_them,
    what_people_do_is_in_the_audit_trail_and_stays_there,
    only_an_administrator_opens_a_payload_in_full,
    an_auditor_sees_the_trail_and_the_runs_and_no_payment_instruction,
    no_input_makes_a_page_fail,
);

const FOREIGN_ORIGINAL: &str = "PI-2207/2023-24/000018";
const FOREIGN: &str = "PI-2207/2023-24/000031";
/// Two that are paid, whose messages the gateway refuses.
const PAID: &str = "PI-1013/2023-24/000900";
const PAID_THERE: &str = "PI-2207/2023-24/000900";

/// An instruction of Jatni and one of Dhenkanal.
fn import_two_towns(world: &World) {
    world.import_pair(PEOPLE);
    world.import(&[
        original(FOREIGN_ORIGINAL, PEOPLE).of_tenant("od.dhenkanal"),
        revised(FOREIGN, FOREIGN_ORIGINAL, PEOPLE).of_tenant("od.dhenkanal"),
    ]);
}

fn actions(world: &World) -> Vec<(String, audit::Action, Option<String>)> {
    let events = world.read(|db| audit::newest(db, &Scope::of("od"), None, 1000));
    events.into_iter().map(|event| (event.actor, event.action, event.subject)).collect()
}

async fn a_form_without_the_token_or_from_another_site_does_nothing(world: World) {
    import_two_towns(&world);
    let path = format!("/payment-instructions/{REVISED}/refresh");
    assert_eq!(world.browser.post_bare(&path, &[]).await.status, 403);
    assert_eq!(world.browser.post_bare(&path, &[("form_token", "guess")]).await.status, 403);
    let bina = world.browser_of("bina", Role::Admin, "od").await;
    let of_bina = bina.form_token().await;
    assert_eq!(
        world.browser.post_bare(&path, &[("form_token", &of_bina)]).await.status,
        403,
        "another session's"
    );
    let token = world.browser.form_token().await;
    let send = |name: &'static str, value: String| {
        world
            .browser
            .client
            .post(world.browser.url(&path))
            .header(name, value)
            .form(&[("form_token", token.clone())])
            .send()
    };
    for (name, value) in [
        ("origin", "https://evil.example".to_owned()),
        ("origin", "null".to_owned()),
        ("sec-fetch-site", "cross-site".to_owned()),
    ] {
        let refused = send(name, value.clone()).await.unwrap();
        assert_eq!(refused.status(), 403, "{name}: {value}");
        let page = refused.text().await.unwrap();
        assert!(page.contains("Nothing was done") && page.contains(r#"action="/sign-out""#), "{name}");
    }
    assert_eq!(world.jit.calls_received(), 0);
    assert_eq!(send("origin", format!("http://{}", world.address)).await.unwrap().status(), 303, "our own");
}

/// Who may open a page, or send a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Everybody,
    /// All but auditors.
    SeesPayments,
    /// Accountants and administrators.
    Acts,
    /// Administrators.
    Administers,
    /// Administrators and auditors.
    Audits,
    /// Administrators of the whole state.
    StartsSync,
}

impl Who {
    fn holds(self, role: Role, of_town: bool) -> bool {
        match self {
            Self::Everybody => true,
            Self::SeesPayments => role != Role::Auditor,
            Self::Acts => matches!(role, Role::Accountant | Role::Admin),
            Self::Administers => role == Role::Admin,
            Self::Audits => matches!(role, Role::Admin | Role::Auditor),
            Self::StartsSync => role == Role::Admin && !of_town,
        }
    }
}

/// A request, who may make it, what it answers and which event it leaves in the audit trail.
struct Row {
    method: &'static str,
    /// As src/web/routes.rs has it.
    pattern: &'static str,
    path: String,
    needs: Who,
    /// What a success answers.
    status: u16,
    /// What a success leaves.
    leaves: Option<Action>,
    /// Whether it is about another town than Jatni.
    is_foreign: bool,
    fields: Vec<(&'static str, String)>,
    /// What those who are not signed in get: who is signed out is led to the sign-in, and nothing is left.
    stranger: (u16, Option<Action>),
    /// Whether it is about a message: `{id}` in the path, another in each cell.
    is_of_message: bool,
    /// Whether the role is looked at before what is asked for.
    is_role_first: bool,
    /// What has to be taken back before the next one may do it.
    undone_by: Option<&'static str>,
}

fn row(
    method: &'static str,
    pattern: &'static str,
    needs: Who,
    status: u16,
    leaves: impl Into<Option<Action>>,
) -> Row {
    Row {
        method,
        pattern,
        path: pattern.to_owned(),
        needs,
        status,
        leaves: leaves.into(),
        is_foreign: false,
        fields: Vec::new(),
        stranger: (303, None),
        is_of_message: pattern.contains("/messages/{id}"),
        is_role_first: pattern == "/payment-instructions/ask"
            || pattern.starts_with("/employees")
            || (method == "POST" && pattern.starts_with("/messages/")),
        undone_by: None,
    }
}

impl Row {
    fn at(self, path: impl Into<String>) -> Self {
        Self { path: path.into(), ..self }
    }

    fn foreign(self) -> Self {
        Self { is_foreign: true, ..self }
    }

    fn with(mut self, field: &'static str, value: impl ToString) -> Self {
        self.fields.push((field, value.to_string()));
        self
    }

    fn for_strangers(self, status: u16, leaves: impl Into<Option<Action>>) -> Self {
        Self { stranger: (status, leaves.into()), ..self }
    }

    fn undone_by(self, statement: &'static str) -> Self {
        Self { undone_by: Some(statement), ..self }
    }

    /// Status and event of a cell.
    fn expected(&self, role: Role, of_town: bool) -> (u16, Option<Action>) {
        let refused = |status| (status, Some(Refused));
        match role {
            Role::Auditor if self.path == "/" => (303, None),
            Role::Auditor if !matches!(self.needs, Who::Everybody | Who::Audits) => refused(403),
            _ if self.is_role_first && !self.needs.holds(role, of_town) => refused(403),
            _ if self.is_foreign && of_town => refused(404),
            _ if self.needs.holds(role, of_town) => (self.status, self.leaves),
            _ => refused(403),
        }
    }
}

/// The addresses of people's pages and what they answer to, by the code of the routes.
fn routes() -> BTreeSet<(&'static str, String)> {
    let code = include_str!("../../src/web/routes.rs");
    // Nobody signs in for files and for what asks whether the program is alive.
    let of_nobody = ["/live", "/ready"];
    let mut found = BTreeSet::new();
    for one in code.split("page(\"").skip(1) {
        let (pattern, rest) = one.split_once('"').unwrap();
        if of_nobody.contains(&pattern) {
            continue;
        }
        for (method, route) in [("GET", "read()"), ("POST", "web::post()")] {
            if rest.contains(route) {
                found.insert((method, pattern.to_owned()));
            }
        }
    }
    assert!(found.len() > 30, "the routes are read: {found:?}");
    found
}

const OF_A_USER: &str = "/employees/{id}";
const OF_A_PI: &str = "/payment-instructions/{tail:.+}";

/// Every route, and what it leaves.
fn rows([call, foreign_call]: [i64; 2], [one, of_state]: [i64; 2]) -> Vec<Row> {
    use Who::*;
    let user = |what: &str| format!("/employees/{one}{what}");
    let user_of_state = |what: &str| format!("/employees/{of_state}{what}");
    let here = |page: &str| format!("/payment-instructions/{REVISED}{page}");
    let there = |page: &str| format!("/payment-instructions/{FOREIGN}{page}");
    vec![
        row("GET", "/", SeesPayments, 200, None),
        row("GET", "/figures/{figure}", SeesPayments, 200, None).at("/figures/paid-month"),
        row("GET", "/beneficiaries", SeesPayments, 200, None),
        row("GET", "/beneficiaries", SeesPayments, 200, PeopleSearched).at("/beneficiaries?q=nayak"),
        row("GET", "/beneficiaries.csv", SeesPayments, 200, Downloaded),
        row("GET", "/beneficiaries.csv", SeesPayments, 200, Downloaded).at("/beneficiaries.csv?q=0001"),
        row("GET", "/reports", SeesPayments, 303, None),
        row("GET", "/reports/{month}", SeesPayments, 200, None).at("/reports/2024-03"),
        row("GET", "/reports/{month}", SeesPayments, 200, Downloaded).at("/reports/2024-03.csv"),
        row("GET", "/payment-instructions", SeesPayments, 200, None),
        row("GET", "/payment-instructions", SeesPayments, 200, None).at("/payment-instructions?tab=all"),
        row("GET", "/payment-instructions", SeesPayments, 200, PeopleSearched)
            .at("/payment-instructions?q=nayak"),
        row("PUT", "/payment-instructions", SeesPayments, 405, None),
        row("GET", "/payment-instructions.csv", SeesPayments, 200, Downloaded),
        row("GET", OF_A_PI, SeesPayments, 200, PiOpened).at(here("")),
        row("GET", OF_A_PI, SeesPayments, 200, PiOpened).at(here("/calls")),
        row("GET", OF_A_PI, SeesPayments, 303, None).at(here("/refresh")),
        row("GET", OF_A_PI, SeesPayments, 303, None).at(here("/notes")),
        row("GET", OF_A_PI, SeesPayments, 404, None).at("/payment-instructions/PI-1/2023-24/1"),
        row("GET", OF_A_PI, SeesPayments, 200, PiOpened).at(there("")).foreign(),
        row("GET", OF_A_PI, SeesPayments, 200, PiOpened).at(there("/calls")).foreign(),
        row("POST", OF_A_PI, SeesPayments, 405, None).at(here("")),
        row("POST", OF_A_PI, Acts, 303, Refresh).at(here("/refresh")),
        row("POST", OF_A_PI, Acts, 303, Refresh).at(there("/refresh")).foreign(),
        row("POST", OF_A_PI, Acts, 303, Note).at(here("/notes")).with("text", "rang the treasury"),
        row("POST", OF_A_PI, Acts, 303, None).at(here("/notes")).with("text", " "),
        row("POST", OF_A_PI, Acts, 303, Note).at(there("/notes")).with("text", "rang the treasury").foreign(),
        row("POST", OF_A_PI, Administers, 303, PayloadOpened).at(here("/calls")).with("call", call),
        row("POST", OF_A_PI, Administers, 303, WordsOpened)
            .at(here("/calls"))
            .with("call", call)
            .with("words", 1),
        row("POST", OF_A_PI, Administers, 303, PayloadOpened)
            .at(there("/calls"))
            .with("call", foreign_call)
            .foreign(),
        row("GET", "/payment-instructions/ask", SeesPayments, 404, None),
        row("POST", "/payment-instructions/ask", Acts, 303, None),
        row("POST", "/payment-instructions/ask", Acts, 303, Refresh)
            .with("number", REVISED)
            .undone_by("UPDATE payment_instructions SET wanted_at = NULL, wanted_by = NULL"),
        row("POST", "/payment-instructions/ask", Acts, 303, Refresh)
            .with("number", FOREIGN)
            .undone_by("UPDATE payment_instructions SET wanted_at = NULL, wanted_by = NULL")
            .foreign(),
        row("GET", "/payment-instructions/fetch", SeesPayments, 404, None),
        row("POST", "/payment-instructions/fetch", Acts, 404, None).with("number", "PI-1/2023-24/1"),
        row("GET", "/messages", SeesPayments, 200, None),
        row("GET", "/messages", SeesPayments, 200, PeopleSearched).at("/messages?q=nayak"),
        row("GET", "/messages/resend", SeesPayments, 303, None),
        row("POST", "/messages/resend", Acts, 303, None),
        row("GET", "/messages/settle", SeesPayments, 303, None),
        row("POST", "/messages/settle", Acts, 303, None),
        row("GET", "/messages/{id}/resend", Acts, 200, None),
        row("POST", "/messages/{id}/resend", Acts, 303, Resend),
        row("POST", "/messages/{id}/resend", Acts, 303, Resend).foreign(),
        row("GET", "/messages/{id}/settle", Acts, 200, None),
        row("POST", "/messages/{id}/settle", Acts, 303, None),
        row("POST", "/messages/{id}/settle", Acts, 303, Settle).with("note", "told in person"),
        row("POST", "/messages/{id}/settle", Acts, 303, Settle).with("note", "told in person").foreign(),
        row("GET", "/account", Everybody, 200, None),
        row("GET", "/account/password", Everybody, 200, None),
        row("POST", "/account/password", Everybody, 303, PasswordRefused),
        row("GET", "/account/second-factor", Everybody, 200, None),
        row("POST", "/account/second-factor", Everybody, 303, None),
        row("POST", "/account/sessions", Everybody, 303, SessionEnded).with("others", 1),
        row("GET", "/employees", Administers, 200, None),
        row("POST", "/employees", Administers, 303, None),
        row("POST", "/employees", Administers, 303, UserAdded)
            .with("name", "new")
            .with("role", "viewer")
            .with("tenant", "od.jatni")
            .undone_by("DELETE FROM employees WHERE name = 'new'"),
        row("POST", "/employees", Administers, 403, Refused)
            .with("name", "new")
            .with("role", "viewer")
            .with("tenant", "xx"),
        row("GET", OF_A_USER, Administers, 200, None).at(user("")),
        row("GET", OF_A_USER, Administers, 200, None).at(user_of_state("")).foreign(),
        row("POST", "/employees/{id}/role", Administers, 303, RoleChanged)
            .at(user("/role"))
            .with("role", "accountant")
            .undone_by("UPDATE employees SET role = 'viewer' WHERE name = 'kept'"),
        row("POST", "/employees/{id}/role", Administers, 303, None).at(user("/role")),
        row("POST", "/employees/{id}/role", Administers, 303, None).at(user_of_state("/role")).foreign(),
        row("POST", "/employees/{id}/password", Administers, 303, PasswordChanged).at(user("/password")),
        row("POST", "/employees/{id}/password", Administers, 303, PasswordChanged)
            .at(user_of_state("/password"))
            .foreign(),
        row("POST", "/employees/{id}/second-factor", Administers, 303, None).at(user("/second-factor")),
        row("POST", "/employees/{id}/disable", Administers, 303, UserDisabled)
            .at(user("/disable"))
            .undone_by("UPDATE employees SET is_disabled = FALSE WHERE name = 'kept'"),
        row("POST", "/employees/{id}/disable", Administers, 303, UserDisabled)
            .at(user_of_state("/disable"))
            .foreign()
            .undone_by("UPDATE employees SET is_disabled = FALSE WHERE name = 'kept-by-the-state'"),
        row("POST", "/employees/{id}/enable", Administers, 303, None).at(user("/enable")),
        row("GET", "/audit", Audits, 200, None),
        row("GET", "/nowhere", Everybody, 404, None),
        row("GET", "/sync-runs", Everybody, 200, None),
        row("GET", "/sync-runs/start", StartsSync, 200, None),
        row("POST", "/sync-runs", StartsSync, 303, RunByHand),
        row("GET", "/sync-runs/{id}", Everybody, 200, None).at("/sync-runs/1"),
        row("GET", "/sign-in", Everybody, 303, None).for_strangers(200, None),
        row("POST", "/sign-in", Everybody, 303, SignInFailed)
            .with("username", "nobody-here")
            .with("password", "wrong")
            .for_strangers(303, SignInFailed),
        row("POST", "/language", Everybody, 303, LanguageChosen).with("language", "hi"),
        row("POST", "/sign-out", Everybody, 303, SignOut),
    ]
}

/// The events since the last one looked at.
struct Watched<'a> {
    world: &'a World,
    last: i64,
}

impl<'a> Watched<'a> {
    async fn from_now_on(world: &'a World) -> Self {
        let mut watched = Self { world, last: 0 };
        watched.left().await;
        watched
    }

    fn all(&mut self) -> Vec<audit::Event> {
        let mut events = self.world.read(|db| audit::newest(db, &Scope::of("od"), None, 1000));
        events.retain(|event| event.id > self.last);
        events.reverse();
        self.last = events.last().map_or(self.last, |event| event.id);
        events
    }

    /// Who left what.
    async fn left(&mut self) -> Vec<(String, Action)> {
        self.world.site.write_up().await;
        self.all().into_iter().map(|event| (event.actor, event.action)).collect()
    }
}

/// Failed messages of a town.
async fn failed_messages(world: &World, number: &str) -> Vec<i64> {
    world.press_refresh(number).await;
    world.deliver().await;
    let all = world.messages();
    all.iter()
        .filter(|one| one.number == number && one.state == MessageState::Failed)
        .map(|one| one.id)
        .collect()
}

async fn every_route_for_every_role_and_town(world: World) {
    import_two_towns(&world);
    world.import(&[
        revised(PAID, ORIGINAL, &payment_ids(60)),
        revised(PAID_THERE, FOREIGN_ORIGINAL, &payment_ids(60)).of_tenant("od.dhenkanal"),
    ]);
    world.gateway.otherwise(SmsScenario::Refused);
    let mut messages = [failed_messages(&world, PAID).await, failed_messages(&world, PAID_THERE).await];
    world.jit.script(REVISED, vec![Scenario::EmptyData]);
    world.jit.script(FOREIGN, vec![Scenario::EmptyData]);
    let calls = [REVISED, FOREIGN].map(|number| {
        let world = &world;
        async move {
            world.press_refresh(number).await;
            world.calls_about(number)[0].id
        }
    });
    let [call, foreign_call] = futures_util::future::join_all(calls).await[..] else { panic!() };
    let signed_out = Browser::new(world.address);
    let mut people = Vec::new();
    for role in Role::ALL {
        for (of_town, tenant) in [(true, "od.jatni"), (false, "od")] {
            let name = format!("{role}-{}", if of_town { "jatni" } else { "state" });
            let browser = world.browser_of(&name, *role, tenant).await;
            Browser::new(world.address).sign_in(&name).await;
            people.push((name, *role, of_town, browser));
        }
    }
    let users = [("kept", "od.jatni"), ("kept-by-the-state", "od")].map(|(name, tenant)| {
        world.employ(name, Role::Viewer, tenant);
        world.read(|db| employees::by_name(db, name)).unwrap().id
    });
    let rows = rows([call, foreign_call], users);
    let said: BTreeSet<(&str, String)> =
        rows.iter().map(|row| (row.method, row.pattern.to_owned())).collect();
    let unsaid: Vec<_> = routes().difference(&said).cloned().collect();
    assert!(unsaid.is_empty(), "these routes have no row: {unsaid:?}");
    let mut watched = Watched::from_now_on(&world).await;
    for row in &rows {
        for cell in std::iter::once(None).chain(people.iter().map(Some)) {
            // Another day: nothing has been opened or refused on it.
            world.later(chrono::Duration::days(1));
            let message = row.is_of_message.then(|| messages[usize::from(row.is_foreign)].pop().unwrap());
            let (name, browser, (status, leaves)) = match cell {
                None => ("nobody", &signed_out, row.stranger),
                Some((name, role, of_town, browser)) => {
                    (name.as_str(), browser, row.expected(*role, *of_town))
                }
            };
            let answer = ask(browser, row, message).await;
            let at = format!("{} {} as {name}", row.method, row.path);
            assert_eq!(answer.status(), status, "{at}");
            let actor = if leaves == Some(SignInFailed) { "unknown name" } else { name };
            let expected: Vec<(String, Action)> =
                leaves.map(|action| (actor.to_owned(), action)).into_iter().collect();
            assert_eq!(watched.left().await, expected, "{at}");
            if cell.is_none() && row.stranger == (303, None) && row.pattern != "/language" {
                assert!(answer.headers()["location"].to_str().unwrap().starts_with("/sign-in"), "{at}");
            }
            if let Some(statement) = row.undone_by {
                world.database.execute(statement);
            }
        }
        if row.path == "/payment-instructions?tab=all" {
            for (_, _, of_town, browser) in people.iter().filter(|(_, role, ..)| *role != Role::Auditor) {
                let list = browser.get(&row.path).await;
                assert_eq!(list.text.contains(FOREIGN), !of_town, "the list shows one's own towns only");
                assert!(list.text.contains(REVISED));
            }
        }
    }
}

/// What a form of that kind holds, without a token.
async fn sent(browser: &Browser, path: &str, kind: Option<&str>, body: &[u8]) -> u16 {
    let form = browser.client.post(browser.url(path)).body(body.to_vec());
    let form = match kind {
        Some(kind) => form.header("content-type", kind),
        None => form,
    };
    form.send().await.unwrap().status().as_u16()
}

async fn the_role_is_judged_before_what_a_form_holds(world: World) {
    import_two_towns(&world);
    let viewer = world.browser_of("viewer", Role::Viewer, "od").await;
    let accountant = world.browser_of("accountant", Role::Accountant, "od").await;
    let pi = format!("/payment-instructions/{REVISED}");
    let of_accountants = [
        format!("{pi}/refresh"),
        format!("{pi}/notes"),
        "/payment-instructions/ask".to_owned(),
        "/payment-instructions/fetch".to_owned(),
        "/messages/resend".to_owned(),
        "/messages/settle".to_owned(),
        "/messages/1/resend".to_owned(),
        "/messages/1/settle".to_owned(),
    ];
    let of_administrators = [
        format!("{pi}/calls"),
        "/sync-runs".to_owned(),
        "/employees".to_owned(),
        "/employees/1/role".to_owned(),
        "/employees/1/disable".to_owned(),
    ];
    let rubbish: [(&str, &[u8]); 3] = [
        ("application/json", b"{}"),
        ("application/x-www-form-urlencoded", b"a=%00"),
        ("application/x-www-form-urlencoded", &[b'a'; 100_000]),
    ];
    for (kind, body) in rubbish {
        for path in of_accountants.iter().chain(&of_administrators) {
            assert_eq!(sent(&viewer, path, Some(kind), body).await, 403, "{path} {kind}");
        }
        for path in &of_accountants {
            let told = sent(&accountant, path, Some(kind), body).await;
            assert!([400, 413].contains(&told), "{path} {kind}: {told}");
        }
        for path in &of_administrators {
            assert_eq!(sent(&accountant, path, Some(kind), body).await, 403, "{path} {kind}");
        }
    }
    for path in ["/messages/resend", "/messages/settle"] {
        assert_eq!(viewer.post(path, &[("id", "rubbish")]).await.status, 403, "{path}");
        assert_eq!(accountant.post(path, &[("id", "rubbish")]).await.status, 400, "{path}");
    }
    assert_eq!(viewer.post(&format!("{pi}/calls"), &[("call", "rubbish")]).await.status, 403);
    assert_eq!(viewer.post("/messages/999/resend", &[]).await.status, 403, "whether it is there or not");
}

async fn a_form_that_is_empty_is_of_nobody(world: World) {
    import_two_towns(&world);
    let stranger = Browser::new(world.address);
    for kind in [None, Some("application/json"), Some("application/x-www-form-urlencoded"), Some("x")] {
        for path in
            ["/sign-out", "/account/password", "/payment-instructions/ask", "/messages/resend", "/employees"]
        {
            assert_eq!(sent(&world.browser, path, kind, b"").await, 403, "{path} {kind:?}");
        }
        assert_eq!(sent(&stranger, "/sign-in", kind, b"").await, 403, "{kind:?}");
    }
    assert_eq!(sent(&world.browser, "/sign-out", Some("application/json"), b"{}").await, 400);
    assert_eq!(world.get("/account").await.status, 200, "nothing was done");
}

/// What JIT, MUKTASoft and people write may turn the direction of what stands around it: it stands apart.
async fn foreign_words_turn_nothing_around_them(world: World) {
    let turning = "Bill \u{202e}is pending";
    world.import(&[
        original(crate::support::ORIGINAL, PEOPLE),
        revised(REVISED, crate::support::ORIGINAL, PEOPLE)
            .person(0, "benefName", "Sabita\u{202e} Nayak")
            .person(0, "paymentStatus", "Payment Failed")
            .person(0, "paymentStatusMessage", turning),
    ]);
    world.jit.script(REVISED, vec![Scenario::Error(turning.into())]);
    let page = world.press_refresh(REVISED).await;
    let isolated =
        |page: &Page| -> Vec<String> { page.all("bdi").into_iter().map(crate::support::words).collect() };
    let message = format!("On call of FTPS API: {turning}");
    assert!(page.text.contains(&message), "to the letter");
    for words in [message.as_str(), turning, "Sabita Nayak"] {
        assert!(isolated(&page).iter().any(|one| one == words), "{words:?}: {:?}", isolated(&page));
    }
    for path in ["/payment-instructions".to_owned(), format!("/payment-instructions/{REVISED}/calls")] {
        let page = world.get(&path).await;
        for (at, _) in page.text.match_indices('\u{202e}') {
            let before = &page.text[..at];
            let is_in = |name: &str| before.rfind(&format!("<{name}")) > before.rfind(&format!("</{name}"));
            // A payload stands in a block of its own.
            assert!(is_in("bdi") || is_in("pre"), "{path}: {}", &page.text[at..]);
        }
        assert!(isolated(&page).iter().any(|one| one.contains(turning)), "{path}");
    }
}

async fn what_people_do_is_in_the_audit_trail_and_stays_there(world: World) {
    import_two_towns(&world);
    world.press_refresh(REVISED).await;
    Browser::new(world.address).try_to_sign_in("asha", "wrong password").await;
    Browser::new(world.address).try_to_sign_in("my secret password", "oh").await;
    let log = world.get(&format!("/payment-instructions/{REVISED}/calls")).await;
    let call = log.attr("form.open-in-full input[name=call]", "value");
    let calls = format!("/payment-instructions/{REVISED}/calls");
    let answer = world.browser.post(&calls, &[("call", &call)]).await;
    assert_eq!((answer.status, answer.location()), (303, format!("{calls}?open={call}")));
    let opened = world.get(&answer.location()).await;
    assert!(opened.text.contains("30131500010000"), "an administrator sees it in full");
    let again = world.get(&answer.location()).await;
    assert_eq!(again.all("form.open-in-full").len(), 1, "each opening is recorded: it is asked for again");
    assert!(!again.text.contains("30131500010000"));
    world.browser.post("/sign-out", &[]).await;
    use audit::Action::*;
    let all = actions(&world);
    for (actor, action, subject) in [
        ("asha", SignIn, None),
        ("asha", Refresh, Some(REVISED.to_owned())),
        ("asha", SignInFailed, None),
        ("unknown name", SignInFailed, None),
        ("asha", PayloadOpened, Some(format!("{REVISED}, call {call}"))),
        ("asha", SignOut, None),
    ] {
        assert!(
            all.contains(&(actor.to_owned(), action, subject.clone())),
            "{actor} {action} {subject:?} in {all:?}"
        );
    }
    for statement in [
        "DELETE FROM audit_events",
        "UPDATE audit_events SET actor = 'x'",
        "DELETE FROM ftps_calls",
        "UPDATE ftps_calls SET outcome = 'success'",
    ] {
        let refused = world.database.try_to_execute(statement).unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{statement}: {refused}");
    }
}

async fn only_an_administrator_opens_a_payload_in_full(world: World) {
    import_two_towns(&world);
    world.press_refresh(REVISED).await;
    let accountant = world.browser_of("bina", Role::Accountant, "od.jatni").await;
    let path = format!("/payment-instructions/{REVISED}/calls");
    assert_eq!(accountant.get(&path).await.all("form.open-in-full").len(), 0);
    assert_eq!(accountant.post(&path, &[("call", "1")]).await.status, 403);
    assert!(!accountant.get(&format!("{path}?open=1")).await.text.contains("30131500010000"));
    assert_eq!(world.browser.post(&path, &[("call", "999")]).await.status, 404);
}

async fn an_auditor_sees_the_trail_and_the_runs_and_no_payment_instruction(world: World) {
    import_two_towns(&world);
    world.jit.script(REVISED, vec![Scenario::Error("Bill is pending".into())]);
    let run = world.begun_by_hand().await;
    world.app.sync.work(&run).await.unwrap();
    world.later(chrono::Duration::days(9));
    world.employ("indu", Role::Auditor, "od");
    let auditor = Browser::new(world.address);
    for next in ["/", "/payment-instructions", ""] {
        let typed = [("username", "indu"), ("password", crate::support::PASSWORD), ("next", next)];
        assert_eq!(auditor.post("/sign-in", &typed).await.location(), "/audit", "{next}");
        auditor.post("/sign-out", &[]).await;
    }
    auditor.sign_in("indu").await;
    assert_eq!(auditor.get("/sign-in").await.location(), "/audit");
    assert_eq!(auditor.get("/").await.location(), "/audit");
    let trail = auditor.get("/audit").await;
    assert!(trail.text.contains("indu"), "{}", trail.text);
    let ways: Vec<String> = trail
        .all("nav.side li:not(.more-ways) a")
        .iter()
        .map(|way| way.attr("href").unwrap().into())
        .collect();
    assert_eq!(ways, ["/sync-runs", "/audit"]);
    for path in ["/sync-runs".to_owned(), "/sync-runs/1".to_owned(), "/sync-runs/1?show=not-paid".to_owned()]
    {
        let page = auditor.get(&path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(
            page.text.contains("data-expected=\"2\""),
            "{path}: the runs are theirs to see: {}",
            page.text
        );
        let main = page.one("main").html();
        for number in [REVISED, FOREIGN, "/payment-instructions"] {
            assert!(!main.contains(number), "{path} names {number}: {main}");
        }
    }
    assert_eq!(auditor.get("/sync-runs/start").await.status, 403);
    assert_eq!(auditor.post("/sync-runs", &[]).await.status, 403);
    assert!(world.get("/sync-runs/1").await.text.contains(REVISED), "others see which");
}

async fn no_input_makes_a_page_fail(world: World) {
    import_two_towns(&world);
    let long = "x".repeat(5000);
    let paths = [
        "/payment-instructions/%00",
        "/messages?pi=%00",
        "/messages?state=%00&before=x",
        "/messages/abc/resend",
        "/payment-instructions/%ff%fe",
        "/payment-instructions/..%2f..%2fetc/passwd",
        "/payment-instructions/'%20OR%201=1--",
        "/payment-instructions/%0d%0aSet-Cookie:x=1",
        "/payment-instructions?tab=%00",
        "/payment-instructions?tab=%ff",
        "/payment-instructions?q=%27;DROP%20TABLE%20tenants",
        "/audit?before=abc",
        "/audit?before=99999999999999999999",
        "/payment-instructions/x/calls?before=-1",
        "/static/../Cargo.toml",
        "/static/%2e%2e/Cargo.toml",
        "/static/..%2fCargo.toml",
        "/static/%2e%2e%2f.0123456789abcdef.toml",
        "/sign-in?next=%0d%0a",
        "/sign-in?next=%ff",
        "//",
        "/%",
    ];
    for path in paths
        .iter()
        .map(|path| (*path).to_owned())
        .chain([format!("/payment-instructions/{long}"), format!("/{long}")])
    {
        let answer = raw_get(world.address, &path).await;
        assert!((200..500).contains(&answer), "{path}: {answer}");
        let signed_in = world.browser.get(&path).await;
        assert!((200..500).contains(&signed_in.status), "{path}: {}", signed_in.status);
        assert!(!signed_in.text.contains("[package]"), "{path}");
    }
    let path = format!("/payment-instructions/{REVISED}/refresh");
    for (body, kind) in [
        (vec![0xff_u8; 100], "application/x-www-form-urlencoded"),
        (vec![b'a'; 1_000_000], "application/x-www-form-urlencoded"),
        (b"form_token=%00%ff".to_vec(), "application/x-www-form-urlencoded"),
        (b"{}".to_vec(), "application/json"),
        (Vec::new(), "text/plain\t"),
    ] {
        for to in ["/sign-in", path.as_str(), "/sign-out"] {
            let answer = world
                .browser
                .client
                .post(world.browser.url(to))
                .header("content-type", kind)
                .body(body.clone())
                .send()
                .await
                .unwrap();
            assert!((400..500).contains(&answer.status().as_u16()), "{to} {kind}: {}", answer.status());
        }
    }
    assert_eq!(world.jit.calls_received(), 0);
}

/// A request with the session's token, where it is a form.
async fn ask(browser: &Browser, row: &Row, message: Option<i64>) -> reqwest::Response {
    let path = message.map_or(row.path.clone(), |id| row.path.replace("{id}", &id.to_string()));
    if row.method == "GET" {
        return browser.client.get(browser.url(&path)).send().await.unwrap();
    }
    let mut fields: Vec<(String, String)> =
        row.fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    fields.push(("form_token".to_owned(), browser.form_token().await));
    fields.extend(message.map(|id| (format!("attempt-{id}"), "1-failed".to_owned())));
    let method = reqwest::Method::from_bytes(row.method.as_bytes()).unwrap();
    browser.client.request(method, browser.url(&path)).form(&fields).send().await.unwrap()
}

/// A request whose path is sent as it is written.
async fn raw_get(address: std::net::SocketAddr, path: &str) -> u16 {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
    connection
        .write_all(format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer);
    answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or_else(|| panic!("{path}: {answer}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_binds_the_browser() {
    let world = World::start(Kind::Sqlite).await;
    for path in ["/sign-in", "/payment-instructions", "/nowhere", "/health/live", "/static/nothing"] {
        let page = world.get(path).await;
        let header =
            |name: &str| page.headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        let policy = header("content-security-policy");
        for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"]
        {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("cache-control"), "no-store", "{path}");
        assert_eq!(header("referrer-policy"), "same-origin", "{path}");
        assert!(header("permissions-policy").contains("geolocation=()"), "{path}");
        assert_eq!(header("strict-transport-security"), "", "no HSTS without https: {path}");
        assert!(!page.text.contains("style=") && !page.text.contains("<style"), "{path}: nothing inline");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn static_files_are_named_by_their_content_and_kept() {
    let world = World::start(Kind::Sqlite).await;
    let css = world.get("/payment-instructions").await.attr("link[rel=stylesheet]", "href");
    let file = world.get(&css).await;
    assert_eq!(file.status, 200);
    assert!(file.headers["cache-control"].to_str().unwrap().contains("immutable"));
    assert!(file.headers["content-type"].to_str().unwrap().starts_with("text/css"));
    let old = world.get("/static/app.0123456789abcdef.css").await;
    assert_eq!((old.status, old.headers["cache-control"].to_str().unwrap()), (200, "no-cache"));
}
