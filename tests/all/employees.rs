//! People are kept in the browser: `/employees`, and accounts that nobody uses.

use chrono::TimeDelta;
use mukta_ftps::access::Role;
use mukta_ftps::store::audit::{self, Action};
use mukta_ftps::store::dormancy::{self, Looked};
use mukta_ftps::store::employees::{self, Employee};
use mukta_ftps::store::keeping::{self, Change, Keeper};
use mukta_ftps::store::scope::Scope;
use mukta_ftps::store::sessions;
use mukta_ftps::web::Sessions;

use crate::support::{Browser, PEOPLE, Page, Program, SESSION_KEY, World, on_both, original, words};

on_both!(
    an_administrator_adds_a_user_who_signs_in_with_a_password_shown_once,
    what_is_wrong_with_a_new_user_is_told_at_its_field,
    a_user_is_disabled_let_in_again_and_given_another_role_and_password,
    an_administrator_keeps_their_own_tenant_alone_and_never_themselves,
    of_two_administrators_who_disable_each_other_one_stays,
    many_users_are_searched_and_paged,
    an_account_that_nobody_used_is_disabled_at_the_sign_in_and_daily,
    the_last_administrator_of_the_state_stays_however_long_away,
    serve_looks_for_accounts_that_nobody_uses,
);

fn employee(world: &World, name: &str) -> Employee {
    world.read(|db| employees::by_name(db, name)).unwrap()
}

fn last(world: &World) -> (String, Action, Option<String>) {
    let event = world.read(|db| audit::newest(db, &Scope::of("od"), None, 1)).pop().unwrap();
    (event.actor, event.action, event.subject)
}

fn events(world: &World) -> usize {
    world.read(|db| audit::newest(db, &Scope::of("od"), None, 1000)).len()
}

/// Posts a form, and opens the page it leads to.
async fn sent(browser: &Browser, path: &str, fields: &[(&str, &str)]) -> Page {
    let answer = browser.post(path, fields).await;
    assert_eq!(answer.status, 303, "{path}: {}", answer.text);
    browser.get(&answer.location()).await
}

async fn an_administrator_adds_a_user_who_signs_in_with_a_password_shown_once(world: World) {
    world.import_pair(PEOPLE);
    let form = world.get("/employees").await;
    assert_eq!(form.words("nav.side > ul > li.rest a[aria-current]"), "Users");
    assert_eq!(form.all("#tenant option[value='od.jatni']").len(), 1);
    let fields = [("name", " Bina.Das "), ("role", "accountant"), ("tenant", "od.jatni")];
    let answer = world.browser.post("/employees", &fields).await;
    let bina = employee(&world, "bina.das");
    assert_eq!((answer.status, answer.location()), (303, format!("/employees/{}", bina.id)));
    assert_eq!(
        (bina.role, bina.tenant_id.as_str(), bina.must_change_password),
        (Role::Accountant, "od.jatni", true)
    );
    assert_eq!(
        last(&world),
        ("asha".to_owned(), Action::UserAdded, Some("bina.das: accountant".to_owned())),
        "the words of the command"
    );
    let page = world.get(&answer.location()).await;
    assert_eq!(page.headers["cache-control"], "no-store");
    let password = page.words("#one-time-password");
    assert!(password.len() >= 12, "{password}");
    assert!(page.words("#notice").starts_with("The user is added."));
    assert!(world.get(&answer.location()).await.all("#one-time-password").is_empty(), "it is shown once");
    let asha = employee(&world, "asha").id;
    let kept = world.read(|db| sessions::of_employee(db, asha));
    assert!(kept.iter().all(|session| !session.state.contains(&password)), "nor kept in the session");

    let browser = Browser::new(world.address);
    assert_eq!(browser.try_to_sign_in("bina.das", &password).await.status, 303);
    assert_eq!(browser.get("/payment-instructions").await.location(), "/account/password", "for once only");
    let row = world.get("/employees").await;
    let row = row.one("tr[data-user='bina.das']");
    assert_eq!((row.attr("data-role"), row.attr("data-state")), (Some("accountant"), Some("active")));
    let told = words(row);
    assert!(told.contains("Accountant") && told.contains("Jatni") && told.contains("31/03/2024"), "{told}");
}

async fn what_is_wrong_with_a_new_user_is_told_at_its_field(world: World) {
    world.import_pair(PEOPLE);
    let before = events(&world);
    for (name, role, tenant, field, says) in [
        ("b", "viewer", "od", "name", "2 to 64"),
        ("ଆଶା", "viewer", "od", "name", "2 to 64"),
        ("bina das", "viewer", "od", "name", "2 to 64"),
        ("asha", "viewer", "od", "name", "already"),
        ("bina", "", "od", "role", "may do"),
        ("bina", "king", "od", "role", "may do"),
        ("bina", "viewer", "", "tenant", "works for"),
        ("bina", "viewer", "od.nowhere", "tenant", "works for"),
    ] {
        let page =
            sent(&world.browser, "/employees", &[("name", name), ("role", role), ("tenant", tenant)]).await;
        assert!(page.words("title").starts_with("Error:"), "{name} {role} {tenant}");
        assert!(page.words("[role=alert]").contains(says), "{says}: {}", page.words("[role=alert]"));
        assert_eq!(page.attr("[role=alert] a", "href"), format!("#{field}"));
        assert_eq!(page.attr("#name", "value"), name, "what was typed stands there");
        assert!(!page.all(&format!("#{field}")).is_empty());
        assert!(world.get("/employees").await.all("[role=alert]").is_empty(), "told once");
    }
    assert_eq!(events(&world), before);
    let outside = [("name", "bina"), ("role", "viewer"), ("tenant", "xx")];
    assert_eq!(world.browser.post("/employees", &outside).await.status, 403, "another state");
    assert!(world.read(|db| employees::by_name(db, "bina")).is_none());
}

async fn a_user_is_disabled_let_in_again_and_given_another_role_and_password(world: World) {
    let bina = world.browser_of("bina", Role::Viewer, "od.jatni").await;
    let id = employee(&world, "bina").id;
    let path = |what: &str| format!("/employees/{id}{what}");
    assert_eq!(world.get(&path("")).await.words("h1"), "bina");

    let page = sent(&world.browser, &path("/role"), &[("role", "auditor")]).await;
    assert!(page.words("#notice").starts_with("The role is changed."), "{}", page.words("#notice"));
    assert_eq!(page.attr("#user", "data-role"), "auditor");
    let told = Some("bina: viewer, now auditor".to_owned());
    assert_eq!(last(&world), ("asha".to_owned(), Action::RoleChanged, told));
    assert!(bina.get("/sync-runs").await.location().starts_with("/sign-in"), "their sessions have ended");
    let before = events(&world);
    let page = sent(&world.browser, &path("/role"), &[("role", "auditor")]).await;
    assert!(page.words("#notice").contains("so already"));
    let page = sent(&world.browser, &path("/role"), &[("role", "king")]).await;
    assert!(page.words("#notice").contains("Nothing was changed"));
    assert_eq!(events(&world), before, "what changes nothing is no event");

    bina.sign_in("bina").await;
    let page = sent(&world.browser, &path("/disable"), &[]).await;
    assert_eq!(page.attr("#user", "data-state"), "disabled");
    assert_eq!(last(&world), ("asha".to_owned(), Action::UserDisabled, Some("bina".to_owned())));
    assert!(bina.get("/sync-runs").await.location().starts_with("/sign-in"), "and again");
    assert!(page.all("form#disable").is_empty());
    let page = sent(&world.browser, &path("/enable"), &[]).await;
    assert_eq!(page.attr("#user", "data-state"), "active");
    assert_eq!(last(&world), ("asha".to_owned(), Action::UserEnabled, Some("bina".to_owned())));

    bina.sign_in("bina").await;
    let page = sent(&world.browser, &path("/password"), &[]).await;
    let password = page.words("#one-time-password");
    assert_eq!(last(&world), ("asha".to_owned(), Action::PasswordChanged, Some("bina".to_owned())));
    assert!(bina.get("/sync-runs").await.location().starts_with("/sign-in"), "and again");
    let again = Browser::new(world.address);
    assert_eq!(again.try_to_sign_in("bina", crate::support::PASSWORD).await.location(), "/sign-in");
    again.try_to_sign_in("bina", &password).await;
    assert_eq!(again.get("/sync-runs").await.location(), "/account/password");
    // A form from the end of a session leads back to the user, and is told as not done.
    world.browser.post("/sign-out", &[]).await;
    let bare = world.browser.post_bare(&path("/disable"), &[]).await;
    assert_eq!(bare.location(), format!("/sign-in?next=%2Femployees%2F{id}"));
}

async fn an_administrator_keeps_their_own_tenant_alone_and_never_themselves(world: World) {
    world.import_pair(PEOPLE);
    world.import(&[original("PI-2207/2023-24/000018", PEOPLE).of_tenant("od.dhenkanal")]);
    let town = world.browser_of("tara", Role::Admin, "od.jatni").await;
    for (name, role, tenant) in [
        ("bina", Role::Viewer, "od.jatni"),
        ("chitra", Role::Viewer, "od.dhenkanal"),
        ("dipti", Role::Admin, "od"),
    ] {
        world.employ(name, role, tenant);
    }
    let listed = |page: &Page| -> Vec<String> {
        page.all("tr[data-user]").iter().map(|row| row.attr("data-user").unwrap().to_owned()).collect()
    };
    assert_eq!(listed(&world.get("/employees").await), ["asha", "bina", "chitra", "dipti", "tara"]);
    let of_town = town.get("/employees").await;
    assert_eq!(listed(&of_town), ["bina", "tara"]);
    assert!(of_town.all("#tenant").is_empty(), "there is nothing to choose");
    let id = |name: &str| employee(&world, name).id;
    for name in ["asha", "chitra", "dipti"] {
        let path = format!("/employees/{}", id(name));
        assert_eq!(town.get(&path).await.status, 404, "{name}");
        for what in ["disable", "enable", "password", "role", "second-factor"] {
            let answer = town.post(&format!("{path}/{what}"), &[("role", "viewer")]).await;
            assert_eq!(answer.status, 404, "{what} {name}");
        }
    }
    for tenant in ["od", "od.dhenkanal", "xx"] {
        let fields = [("name", "eva"), ("role", "viewer"), ("tenant", tenant)];
        assert_eq!(town.post("/employees", &fields).await.status, 403, "{tenant}");
    }
    sent(&town, "/employees", &[("name", "eva"), ("role", "admin")]).await;
    assert_eq!(employee(&world, "eva").tenant_id, "od.jatni", "their own");
    for (browser, name) in [(&town, "tara"), (&world.browser, "asha")] {
        let path = format!("/employees/{}", id(name));
        let page = browser.get(&path).await;
        assert!(page.all("main form").is_empty(), "{name} changes nothing of themselves");
        for what in ["disable", "enable", "password", "role", "second-factor"] {
            let answer = browser.post(&format!("{path}/{what}"), &[("role", "viewer")]).await;
            assert_eq!(answer.status, 403, "{what} {name}");
        }
    }
    for role in [Role::Viewer, Role::Accountant, Role::Auditor] {
        let other = world.browser_of(&format!("other-{role}"), role, "od").await;
        assert_eq!(other.get("/employees").await.status, 403, "{role}");
        assert_eq!(other.post("/employees", &[("name", "x")]).await.status, 403, "{role}");
        let way = other.get("/account").await;
        assert!(way.all("nav.side a[href='/employees']").is_empty(), "{role}");
    }
    // Who is no administrator any more changes nobody, however the form came here.
    let keeper = Keeper::Administrator { name: "other-viewer".to_owned(), address: "127.0.0.1".to_owned() };
    let now = world.app.clock.now().naive_utc();
    let kept = world.write(|db| keeping::change(db, None, &keeper, "bina", &Change::Disable, now));
    assert!(matches!(kept, keeping::Kept::Refused(keeping::Refusal::NoKeeper)), "{kept:?}");
}

async fn of_two_administrators_who_disable_each_other_one_stays(world: World) {
    for round in 0..4 {
        let names = [format!("first-{round}"), format!("second-{round}")];
        let first = world.browser_of(&names[0], Role::Admin, "od").await;
        let second = world.browser_of(&names[1], Role::Admin, "od").await;
        let [one, other] = [0, 1].map(|place| employee(&world, &names[place]).id);
        let tokens = [first.form_token().await, second.form_token().await];
        let paths = [format!("/employees/{other}/disable"), format!("/employees/{one}/disable")];
        let fields = tokens.each_ref().map(|token| [("form_token", token.as_str())]);
        let (of_first, of_second) =
            tokio::join!(first.post_bare(&paths[0], &fields[0]), second.post_bare(&paths[1], &fields[1]));
        let disabled = names.iter().filter(|name| employee(&world, name).is_disabled).count();
        assert_eq!(disabled, 1, "{} and {}", of_first.status, of_second.status);
    }
}

async fn many_users_are_searched_and_paged(world: World) {
    for number in 0..70 {
        world.employ(&format!("user_{number:02}"), Role::Viewer, "od.jatni");
    }
    let page = world.get("/employees").await;
    assert_eq!(page.words(".total"), "71 users");
    assert_eq!(page.all("tr[data-user]").len(), 50);
    let next = world.get(&page.attr("a[rel=next]", "href")).await;
    assert_eq!(next.all("tr[data-user]").len(), 21);
    assert!(next.all("a[rel=next]").is_empty());
    let found = world.get("/employees?q=USER_1").await;
    assert_eq!((found.words(".total").as_str(), found.all("tr[data-user]").len()), ("10 users", 10));
    for (typed, count) in [("%25", 0), ("user%25", 0), ("_0", 10), ("%5C", 0), ("er_3", 10), ("zz", 0)] {
        let found = world.get(&format!("/employees?q={typed}")).await;
        assert_eq!((found.status, found.all("tr[data-user]").len()), (200, count), "{typed}");
    }
    assert_eq!(world.get("/employees?q=%00").await.status, 400);
}

/// Sessions that end as ever, and accounts that are disabled after 90 days.
fn ninety_days() -> Sessions {
    Sessions { dormant_after: Some(TimeDelta::days(90)), ..Sessions::local(&SESSION_KEY) }
}

async fn an_account_that_nobody_used_is_disabled_at_the_sign_in_and_daily(world: World) {
    for name in ["bina", "chitra", "dipti"] {
        world.employ(name, Role::Viewer, "od.jatni");
    }
    world.later(TimeDelta::days(60));
    let browser = world.served_with(ninety_days()).await;
    browser.sign_in("chitra").await;
    assert_eq!(browser.get("/payment-instructions").await.status, 200);
    world.later(TimeDelta::days(30) - TimeDelta::seconds(1));
    browser.sign_in("dipti").await;
    assert_eq!(browser.get("/payment-instructions").await.status, 200, "a second is left");
    world.later(TimeDelta::seconds(1));
    let refused = browser.try_to_sign_in("bina", crate::support::PASSWORD).await;
    assert_eq!(refused.location(), "/sign-in");
    let bina = employee(&world, "bina");
    assert!(bina.is_disabled && bina.is_dormant);
    let trail = world.read(|db| audit::newest(db, &Scope::of("od"), None, 1000));
    let disabled: Vec<_> = trail.iter().filter(|event| event.action == Action::UserDisabled).collect();
    let [event] = disabled[..] else { panic!("{disabled:?}") };
    assert_eq!((event.actor.as_str(), event.subject.as_deref()), ("system", Some("bina")));
    assert_eq!(event.tenant_id.as_deref(), Some("od.jatni"));

    // An administrator lets her in again: that counts as use.
    world.browser.sign_in("asha").await;
    let page = sent(&world.browser, &format!("/employees/{}/enable", bina.id), &[]).await;
    assert_eq!(page.attr("#user", "data-state"), "active");
    browser.sign_in("bina").await;
    assert!(!employee(&world, "bina").is_dormant);

    // And daily, whoever does not try to sign in.
    world.later(TimeDelta::days(89));
    world.browser.sign_in("asha").await;
    let look = || {
        let now = world.app.clock.now().naive_utc();
        world.write(|db| dormancy::disable(db, &world.app.sealer, None, TimeDelta::days(90), now))
    };
    assert_eq!(look(), Looked { disabled: vec!["chitra".to_owned()], spared: vec![] });
    world.later(TimeDelta::days(1));
    assert_eq!(look(), Looked { disabled: vec!["dipti".to_owned(), "bina".to_owned()], spared: vec![] });
    assert_eq!(look(), Looked::default(), "once each");
    let page = world.get("/employees").await;
    assert!(words(page.one("tr[data-user=chitra]")).contains("not used for long"));
    let listed = std::process::Command::new(env!("CARGO_BIN_EXE_mukta-ftps"))
        .args(["user", "list"])
        .env("DATABASE_URL", &world.database.url_text)
        .output()
        .unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout);
    assert!(listed.lines().any(|line| line.starts_with("chitra") && line.contains("dormant")), "{listed}");
}

async fn the_last_administrator_of_the_state_stays_however_long_away(world: World) {
    world.employ("bina", Role::Admin, "od");
    world.employ("tara", Role::Admin, "od.jatni");
    world.later(TimeDelta::days(1));
    Browser::new(world.address).sign_in("bina").await;
    world.later(TimeDelta::days(400));
    let now = world.app.clock.now().naive_utc();
    let look = |only: Option<&str>| {
        world.write(|db| dormancy::disable(db, &world.app.sealer, only, TimeDelta::days(90), now))
    };
    assert_eq!(
        look(None),
        Looked { disabled: vec!["asha".to_owned(), "tara".to_owned()], spared: vec!["bina".to_owned()] },
        "who was here last stays"
    );
    assert_eq!(look(Some("bina")), Looked { disabled: vec![], spared: vec!["bina".to_owned()] });
    let browser = world.served_with(ninety_days()).await;
    browser.sign_in("bina").await;
    assert_eq!(browser.get("/employees").await.status, 200, "and lets the others in");
}

/// The clock of the process is the machine's: to it, nobody of this world has been here for years.
async fn serve_looks_for_accounts_that_nobody_uses(world: World) {
    world.employ("bina", Role::Viewer, "od.jatni");
    let program = Program::start(world.program(&["serve"]).env("DORMANT_DAYS", "90"));
    world.until(|| employee(&world, "bina").is_dormant).await;
    program.stop();
    assert!(!employee(&world, "asha").is_disabled, "the last administrator of the state");
}
