//! The demo's MUKTASoft, simulated: it knows what is here and one correction more, and takes the results back.

use std::time::Duration;

use mukta_ftps::app::App;
use mukta_ftps::muktasoft::push::StatusReceiver;
use mukta_ftps::muktasoft::{MuktasoftConfig, SearchKind};
use mukta_ftps::simulator::jit::{JitSimulator, KnownBeneficiary, KnownInstruction};
use mukta_ftps::simulator::muktasoft::MuktasoftSimulator;
use mukta_ftps::store::instructions;
use mukta_ftps::store::scope::Scope;
use serde_json::Value;

use super::samples;
use crate::commands::simulate::introduce_to_muktasoft;
use crate::commands::{CommandError, OrSay};

/// How payment instructions and their people are pulled from it.
pub(super) fn source(muktasoft: &MuktasoftSimulator) -> Result<MuktasoftConfig, CommandError> {
    Ok(MuktasoftConfig {
        search: url(&muktasoft.pi_search_url())?,
        kind: SearchKind::Ifms,
        token: Some(muktasoft.auth_token().to_owned()),
        bank_accounts: Some(url(&muktasoft.bank_account_url())?),
        individuals: Some(url(&muktasoft.individual_url())?),
        organisations: Some(url(&muktasoft.organisation_url())?),
        tenants: Vec::new(),
        every: Duration::from_secs(900),
        longest: Duration::from_secs(600),
    })
}

/// Where the results go back to.
pub(super) fn receiver(muktasoft: &MuktasoftSimulator) -> Result<StatusReceiver, CommandError> {
    Ok(StatusReceiver { url: url(&muktasoft.status_url())?, secret: muktasoft.status_secret().to_owned() })
}

fn url(text: &str) -> Result<reqwest::Url, CommandError> {
    text.parse().map_err(std::io::Error::other).or_say("the simulated MUKTASoft's address")
}

/// Tells it of all that is here, and of a correction that the first pull brings. JIT has that one already.
pub(super) fn introduce(
    muktasoft: &MuktasoftSimulator,
    jit: &JitSimulator,
    app: &App,
) -> Result<(), CommandError> {
    introduce_to_muktasoft(muktasoft, &app.store, &app.sealer)?;
    for instruction in samples::only_at_muktasoft(app.clock.now()) {
        let known = at_the_treasury(&instruction);
        let is_here =
            |number: &str| app.store.read_blocking(|db| instructions::find(db, &Scope::of("od"), number));
        if is_here(&known.number)?.is_none() {
            jit.know(known);
            muktasoft.know(instruction);
        }
    }
    Ok(())
}

fn at_the_treasury(instruction: &Value) -> KnownInstruction {
    let text = |of: &Value, field: &str| of[field].as_str().map(str::to_owned);
    let people = instruction["beneficiaryDetails"].as_array().into_iter().flatten();
    KnownInstruction {
        number: text(instruction, "jitBillNo").unwrap_or_default(),
        beneficiaries: people
            .map(|person| KnownBeneficiary {
                payment_id: text(person, "beneficiaryNumber").unwrap_or_default(),
                account: text(person, "benfAcctNo"),
                ifsc: text(person, "benfBankIfscCode"),
            })
            .collect(),
    }
}
