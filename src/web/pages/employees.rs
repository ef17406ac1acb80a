//! `/employees`: the users of one's own tenant, for administrators: their list, and adding one. What is done about one
//! of them stands on a page of its own ([`one`]).

pub mod one;

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::{Deserialize, Serialize};

use crate::access::{self, Right, Role};
use crate::language::{Phrase, phrase};
use crate::store::employees::{self, Employee, Listing};
use crate::store::keeping::{self, Keeper, NewEmployee, Refusal};
use crate::store::scope;
use crate::web::display;
use crate::web::error::WebError;
use crate::web::form::PostedForm;
use crate::web::path::encoded;
use crate::web::respond::{html, see_other};
use crate::web::shell::{Section, Shell};
use crate::web::site::Site;
use crate::web::told_once;
use crate::web::viewer::{Viewer, role_words};
use one::{Done, Told};

/// Employees on one page.
const PAGE: usize = 50;
/// A name that was typed is kept for the next try up to so many characters.
const TYPED_CHARS: usize = 128;

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub struct EmployeesQuery {
    /// Whose names hold this.
    q: Option<String>,
    /// Whose names come after this one.
    after: Option<String>,
}

/// What is wrong with the form that adds somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Fault {
    Name,
    Taken,
    Role,
    Tenant,
}

impl Fault {
    /// The field at which the reader goes on.
    const fn field(self) -> &'static str {
        match self {
            Self::Name | Self::Taken => "name",
            Self::Role => "role",
            Self::Tenant => "tenant",
        }
    }

    const fn words(self) -> Phrase {
        match self {
            Self::Name => phrase(
                "A user name has 2 to 64 of the letters a to z, digits (eight at most), dots, hyphens, underscores or @, without blanks, and begins with a letter or digit. Names of the program itself, such as system, are taken.",
            ),
            Self::Taken => phrase("There is a user of that name already. Choose another name."),
            Self::Role => phrase("Choose what the user may do."),
            Self::Tenant => phrase("Choose whom the user works for."),
        }
    }
}

/// What was typed, and what is wrong with it: told by the page after it.
#[derive(Debug, Serialize, Deserialize)]
struct Refused {
    fault: Fault,
    name: String,
    role: String,
    tenant: String,
}

#[derive(Template)]
#[template(path = "employees.html")]
struct EmployeesPage {
    shell: Shell,
    form_token: String,
    viewer: Viewer,
    rows: Vec<EmployeeRow>,
    /// On all pages of the list.
    count: i64,
    typed: String,
    next: Option<String>,
    is_later_page: bool,
    /// The tenants that somebody may be added to.
    tenants: Vec<String>,
    refused: Option<Refused>,
}

/// An employee as a row shows them.
struct EmployeeRow {
    one: Employee,
}

impl EmployeeRow {
    fn role(&self) -> Phrase {
        role_words(self.one.role)
    }

    fn state(&self) -> Phrase {
        state_words(&self.one)
    }

    fn tone(&self) -> &'static str {
        state_tone(&self.one)
    }

    fn last_sign_in(&self) -> Phrase {
        last_sign_in(&self.one)
    }

    fn second_factor(&self) -> Phrase {
        second_factor(&self.one)
    }
}

/// Whether somebody is let in, in words.
fn state_words(one: &Employee) -> Phrase {
    match (one.is_disabled, one.is_dormant) {
        (false, _) => phrase("active"),
        (true, false) => phrase("disabled"),
        (true, true) => phrase("disabled, since not used for long"),
    }
}

const fn state_tone(one: &Employee) -> &'static str {
    if one.is_disabled { "bad" } else { "good" }
}

/// When somebody signed in last, in words.
fn last_sign_in(one: &Employee) -> Phrase {
    one.last_sign_in_at.map_or(phrase("never"), |at| display::minute(at).into())
}

/// Whether somebody has a second factor, in words.
const fn second_factor(one: &Employee) -> Phrase {
    if one.second_factor_at.is_some() { phrase("set up") } else { phrase("none") }
}

impl EmployeesPage {
    fn roles(&self) -> &'static [Role] {
        Role::ALL
    }

    fn role_words(&self, role: &Role) -> Phrase {
        role_words(*role)
    }

    fn role_means(&self, role: &Role) -> Phrase {
        role_means(*role)
    }

    /// What was typed into a field the last time.
    fn typed_before(&self, field: &str) -> &str {
        self.refused.as_ref().map_or("", |refused| match field {
            "name" => &refused.name,
            "role" => &refused.role,
            _ => &refused.tenant,
        })
    }

    /// Whether that field is at fault.
    fn is_at(&self, field: &str) -> bool {
        self.refused.as_ref().is_some_and(|refused| refused.fault.field() == field)
    }

    fn has_search(&self) -> bool {
        !self.typed.is_empty() || self.count > PAGE as i64
    }

    fn counted(&self) -> Phrase {
        match self.count {
            1 => phrase("1 user"),
            count => phrase("%{count} users").with("count", display::count(count)),
        }
    }

    fn first_link(&self) -> String {
        if self.typed.is_empty() {
            "/employees".to_owned()
        } else {
            format!("/employees?q={}", encoded(&self.typed))
        }
    }

    fn next_link(&self) -> Option<String> {
        let after = encoded(self.next.as_ref()?);
        Some(if self.typed.is_empty() {
            format!("/employees?after={after}")
        } else {
            format!("/employees?q={}&after={after}", encoded(&self.typed))
        })
    }
}

/// What a role is for.
const fn role_means(role: Role) -> Phrase {
    match role {
        Role::Viewer => phrase("sees the payments"),
        Role::Accountant => phrase("also asks JIT, sends SMS again and writes notes"),
        Role::Admin => phrase("also sees the audit trail and keeps the users"),
        Role::Auditor => phrase("sees the audit trail and the nightly sync, and no payment"),
    }
}

/// GET.
pub async fn page(
    site: web::Data<Site>,
    viewer: Viewer,
    query: web::Query<EmployeesQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    viewer.must(Right::KeepEmployees)?;
    let EmployeesQuery { q, after } = query.into_inner();
    let typed = q.unwrap_or_default().trim().chars().take(TYPED_CHARS).collect::<String>();
    let listing = Listing {
        scope: viewer.scope(),
        typed: typed.clone(),
        after: after.unwrap_or_default().to_lowercase(),
    };
    if [&listing.typed, &listing.after].iter().any(|text| text.contains('\0')) {
        return Err(WebError::unreadable_address());
    }
    let is_later_page = !listing.after.is_empty();
    let found = site.app.store.read(move |db| {
        let found = employees::listed(db, &listing, PAGE as i64 + 1)?;
        let tenants = scope::towns(db, &listing.scope)?;
        Ok((found, employees::count(db, &listing)?, tenants))
    });
    let (mut found, count, towns) = found.await?;
    let has_more = found.len() > PAGE;
    found.truncate(PAGE);
    let refused = told_once::brought::<Refused>(&site, &request);
    let was_refused = refused.is_some();
    let mut answer = html(&EmployeesPage {
        shell: Shell::new(&viewer, Section::Employees),
        form_token: viewer.form_token.clone(),
        next: found.last().map(|one| one.name.clone()).filter(|_| has_more),
        rows: found.into_iter().map(|one| EmployeeRow { one }).collect(),
        count,
        typed,
        is_later_page,
        tenants: std::iter::once(viewer.tenant.clone()).chain(towns).collect(),
        refused,
        viewer,
    })?;
    if was_refused {
        told_once::forget(&site, &mut answer)?;
    }
    Ok(answer)
}

/// Who does what a form of these pages asks for.
fn keeper(site: &Site, viewer: &Viewer, request: &HttpRequest) -> Keeper {
    Keeper::Administrator { name: viewer.name.clone(), address: site.address_of(request) }
}

/// Why what was asked for is not done, where no field is at fault.
fn refusal(refusal: Refusal) -> WebError {
    match refusal {
        Refusal::Unknown => WebError::NotFound,
        Refusal::Oneself => WebError::Forbidden(phrase(
            "Nobody changes themselves here: another administrator does. Your own password is changed on the page of your account.",
        )),
        Refusal::TenantOutside => {
            WebError::Forbidden(phrase("An administrator keeps the users of their own tenant only."))
        }
        Refusal::NoKeeper | Refusal::TenantUnknown | Refusal::NameTaken => {
            WebError::Forbidden(phrase("Keeping the users takes the role of administrator."))
        }
    }
}

/// POST: adds an employee, with a password for the first sign-in that is shown once.
pub async fn add(
    site: web::Data<Site>,
    form: PostedForm,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let (viewer, fields) = (&form.viewer, &form.fields);
    viewer.must(Right::KeepEmployees)?;
    // Of a town, there is nothing to choose.
    let tenant = match fields.get("tenant") {
        "" if !viewer.scope().is_state() => viewer.tenant.clone(),
        tenant => tenant.to_owned(),
    };
    let again = |fault| {
        let typed = |text: &str| text.chars().take(TYPED_CHARS).collect::<String>();
        let refused = Refused {
            fault,
            name: typed(fields.get("name")),
            role: typed(fields.get("role")),
            tenant: typed(&tenant),
        };
        let mut back = see_other("/employees");
        told_once::send(&site, &mut back, &refused)?;
        Ok(back)
    };
    let Ok(name) = access::new_employee_name(fields.get("name")) else { return again(Fault::Name) };
    let Ok(role) = fields.get("role").parse::<Role>() else { return again(Fault::Role) };
    if access::tenant(&tenant).is_err() {
        return again(Fault::Tenant);
    }
    let (password, password_hash) = one::drawn_password(&site, &name).await?;
    let new = NewEmployee {
        name,
        role,
        tenant: tenant.clone(),
        password_hash,
        is_for_once: true,
        is_new_tenant: false,
    };
    let (keeper, sealer) = (keeper(&site, viewer, &request), Arc::clone(&site.app.sealer));
    let now = site.app.clock.now().naive_utc();
    let added = site.app.store.write(move |db| keeping::add(db, Some(&sealer), &keeper, &new, now));
    match added.await? {
        Ok(id) => one::told(&site, id, &Told::new(viewer, Done::Added, Some(password))),
        Err(Refusal::NameTaken) => again(Fault::Taken),
        Err(Refusal::TenantUnknown) => again(Fault::Tenant),
        Err(why) => Err(refusal(why)),
    }
}
