//! `mukta-ftps simulate`: the simulators of JIT, of the SMS gateway and of MUKTASoft alone.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use mukta_ftps::clock::Clock;
use mukta_ftps::import::{OnFaulty, export, import};
use mukta_ftps::sealing::Sealer;
use mukta_ftps::settings::{SettingFault, bind_address};
use mukta_ftps::simulator::jit::{
    JitSimulator, JitSimulatorOptions, KnownBeneficiary, KnownInstruction, Scenario, SignIn, UnknownSignIn,
};
use mukta_ftps::simulator::muktasoft::{
    Fault, MuktasoftSimulator, MuktasoftSimulatorOptions, Service, UnknownService,
};
use mukta_ftps::simulator::sms::{SmsScenario, SmsSimulator, SmsSimulatorOptions};
use mukta_ftps::store::{DatabaseUrl, Store, StoreError, beneficiaries, instructions};
use serde_json::Value;

use super::{CommandError, OrSay, runtime};

/// Settings of `simulate`.
#[derive(Args)]
#[command(after_help = scenarios())]
pub(crate) struct SimulateArgs {
    /// Address and port of the simulated JIT
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8090")]
    jit_bind: String,
    /// Payment instructions that JIT and MUKTASoft know, in the import's format
    #[arg(long, value_name = "FILE")]
    instructions: Option<PathBuf>,
    /// What JIT answers about one PI, such as PI-1013/2023-24/000256=error; `*=` for all others.
    /// Several scenarios joined by `,` are answered one after another
    #[arg(long = "script", value_name = "NUMBER=SCENARIO")]
    scripts: Vec<String>,
    /// How signing in goes: accept, refuse, garbage, empty, reset or time-out
    #[arg(long, value_name = "HOW", default_value = "accept")]
    sign_in: String,
    /// Address and port of the simulated SMS gateway
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8091")]
    sms_bind: String,
    /// What the SMS gateway answers to one mobile number, such as 9437012345=http-503; `*=` to all
    /// others. Several scenarios joined by `,` are answered one after another
    #[arg(long = "sms-script", value_name = "NUMBER=SCENARIO")]
    sms_scripts: Vec<String>,
    /// Address and port of the simulated MUKTASoft, whose page shows what came back
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8092")]
    muktasoft_bind: String,
    /// What requests to a service of MUKTASoft's meet, such as pi-search=http-503,usual: one after
    /// another, and the last from then on
    #[arg(long = "muktasoft-script", value_name = "SERVICE=SCENARIO")]
    muktasoft_scripts: Vec<String>,
    /// How long they take to answer, in milliseconds
    #[arg(long, value_name = "MILLISECONDS", default_value = "0")]
    latency: u64,
    /// Where its public key is written (DER)
    #[arg(long, value_name = "FILE", default_value = "jit-public-key.der")]
    public_key: PathBuf,
}

fn scenarios() -> String {
    let row = |word: &str, meaning: &str| format!("  {word:<24} {meaning}\n");
    let jit: String = Scenario::ALL.iter().map(|(_, word, meaning)| row(word, meaning)).collect();
    let sms: String = SmsScenario::ALL.iter().map(|(_, word, meaning)| row(word, meaning)).collect();
    let services: String = Service::ALL.iter().map(|(_, word, meaning)| row(word, meaning)).collect();
    let muktasoft: String = Fault::ALL.iter().map(|(_, word, meaning)| row(word, meaning)).collect();
    format!(
        "Scenarios:\n{jit}\nScenarios of the SMS gateway:\n{sms}\nServices of MUKTASoft:\n{services}\n\
         Scenarios of MUKTASoft:\n{muktasoft}"
    )
}

pub(crate) fn run(args: SimulateArgs) -> Result<(), CommandError> {
    let addr = bind_address("--jit-bind", &args.jit_bind)?;
    let sms_addr = bind_address("--sms-bind", &args.sms_bind)?;
    let muktasoft_addr = bind_address("--muktasoft-bind", &args.muktasoft_bind)?;
    let sign_in: SignIn = args
        .sign_in
        .parse()
        .map_err(|unknown: UnknownSignIn| SettingFault::new("--sign-in", unknown.to_string()))?;
    runtime()?.block_on(async {
        let latency = Duration::from_millis(args.latency);
        let simulator = started(JitSimulatorOptions { addr, latency, clock: Clock::system(), ..Default::default() }).await?;
        simulator.sign_in(sign_in);
        let muktasoft = muktasoft_started(MuktasoftSimulatorOptions {
            addr: muktasoft_addr,
            latency,
            ..Default::default()
        })
        .await?;
        if let Some(file) = &args.instructions {
            know_file(&simulator, &muktasoft, file)?;
        }
        for script in &args.muktasoft_scripts {
            run_muktasoft_script(&muktasoft, script)?;
        }
        for script in &args.scripts {
            run_script(&simulator, script)?;
        }
        let gateway =
            gateway_started(SmsSimulatorOptions { addr: sms_addr, latency, ..Default::default() }).await?;
        for script in &args.sms_scripts {
            run_sms_script(&gateway, script)?;
        }
        std::fs::write(&args.public_key, simulator.public_key_der())
            .or_say(format!("{} could not be written", args.public_key.display()))?;
        write!(
            std::io::stdout(),
            "JIT_BASE_URL={}\nJIT_CLIENT_ID={}\nJIT_CLIENT_SECRET={}\nJIT_PUBLIC_KEY_FILE={}\nSMS_GATEWAY_URL={}\nSMS_TEMPLATE_ID=1007\n{}",
            simulator.base_url(),
            simulator.client_id(),
            simulator.client_secret(),
            args.public_key.display(),
            gateway.gateway_url(),
            muktasoft_settings(&muktasoft),
        )
        .or_say("standard output is closed")?;
        tokio::signal::ctrl_c().await.or_say("signals could not be listened for")
    })
}

/// A simulator that listens.
pub(super) async fn started(options: JitSimulatorOptions) -> Result<JitSimulator, CommandError> {
    JitSimulator::start(options)
        .await
        .map_err(std::io::Error::other)
        .or_say("the simulated JIT could not start")
}

/// An SMS gateway that listens.
pub(super) async fn gateway_started(options: SmsSimulatorOptions) -> Result<SmsSimulator, CommandError> {
    SmsSimulator::start(options).await.or_say("the simulated SMS gateway could not start")
}

/// A MUKTASoft that listens.
pub(super) async fn muktasoft_started(
    options: MuktasoftSimulatorOptions,
) -> Result<MuktasoftSimulator, CommandError> {
    MuktasoftSimulator::start(options).await.or_say("the simulated MUKTASoft could not start")
}

/// The settings by which a program reaches it, one a line.
fn muktasoft_settings(muktasoft: &MuktasoftSimulator) -> String {
    [
        ("PI_SEARCH_URL", muktasoft.pi_search_url()),
        ("AUTH_TOKEN", muktasoft.auth_token().to_owned()),
        ("BANK_ACCOUNT_SEARCH_URL", muktasoft.bank_account_url()),
        ("INDIVIDUAL_SEARCH_URL", muktasoft.individual_url()),
        ("ORGANISATION_SEARCH_URL", muktasoft.organisation_url()),
        ("STATUS_URL", muktasoft.status_url()),
        ("STATUS_SECRET", muktasoft.status_secret().to_owned()),
    ]
    .iter()
    .map(|(name, value)| format!("MUKTASOFT_{name}={value}\n"))
    .collect()
}

/// Tells MUKTASoft of every PI in the database, as an export has it.
pub(super) fn introduce_to_muktasoft(
    muktasoft: &MuktasoftSimulator,
    store: &Store,
    sealer: &Sealer,
) -> Result<(), CommandError> {
    let mut document = Vec::new();
    export(store, sealer, None, &mut document)?;
    let mut document: Value = serde_json::from_slice(&document)
        .map_err(std::io::Error::from)
        .or_say("the payment instructions could not be written")?;
    for instruction in document["paymentInstructions"].as_array_mut().into_iter().flatten() {
        muktasoft.know(instruction.take());
    }
    Ok(())
}

/// Tells the simulator of every revised PI in the database, as JIT would know them.
pub(super) fn introduce(simulator: &JitSimulator, store: &Store, sealer: &Sealer) -> Result<(), StoreError> {
    store.read_blocking(|db| {
        for (id, number) in instructions::all_revised(db)? {
            let beneficiaries = beneficiaries::asked(db, sealer, id, &number)?
                .known
                .into_iter()
                .map(|one| KnownBeneficiary {
                    payment_id: one.payment_id,
                    account: one.account,
                    ifsc: one.ifsc,
                })
                .collect();
            simulator.know(KnownInstruction { number, beneficiaries });
        }
        Ok(())
    })
}

/// Reads the file as `import` would, into a database that is thrown away.
fn know_file(
    simulator: &JitSimulator,
    muktasoft: &MuktasoftSimulator,
    file: &Path,
) -> Result<(), CommandError> {
    let scratch = tempfile::tempdir().or_say("no temporary directory could be made")?;
    let store =
        Store::open(&DatabaseUrl::Sqlite(scratch.path().join("known.db").to_string_lossy().into_owned()))?;
    let sealer = Sealer::ephemeral().map_err(StoreError::from)?;
    let input = std::fs::File::open(file).or_say(format!("{} cannot be read", file.display()))?;
    import(&store, &sealer, input, OnFaulty::Refuse, &Clock::system())?;
    introduce(simulator, &store, &sealer)?;
    introduce_to_muktasoft(muktasoft, &store, &sealer)
}

/// `NUMBER=SCENARIO[,SCENARIO…]`.
fn run_script(simulator: &JitSimulator, script: &str) -> Result<(), CommandError> {
    let (number, scenarios) = read_script::<Scenario>("--script", script)?;
    match (number, scenarios.last()) {
        ("*", Some(last)) => simulator.otherwise(last.clone()),
        _ => simulator.script(number, scenarios),
    }
    Ok(())
}

/// The same for the SMS gateway, by mobile number.
fn run_sms_script(gateway: &SmsSimulator, script: &str) -> Result<(), CommandError> {
    let (number, scenarios) = read_script::<SmsScenario>("--sms-script", script)?;
    match (number, scenarios.last()) {
        ("*", Some(last)) => gateway.otherwise(*last),
        _ => gateway.script(number, scenarios),
    }
    Ok(())
}

/// `SERVICE=SCENARIO[,SCENARIO…]`.
fn run_muktasoft_script(muktasoft: &MuktasoftSimulator, script: &str) -> Result<(), CommandError> {
    const FLAG: &str = "--muktasoft-script";
    let (service, mut faults) = read_script::<Fault>(FLAG, script)?;
    let service: Service =
        service.parse().map_err(|unknown: UnknownService| SettingFault::new(FLAG, unknown.to_string()))?;
    muktasoft.always(service, faults.pop());
    muktasoft.script(service, faults);
    Ok(())
}

fn read_script<'a, S>(flag: &'static str, script: &'a str) -> Result<(&'a str, Vec<S>), SettingFault>
where
    S: std::str::FromStr<Err: std::fmt::Display>,
{
    let fault = |problem: String| SettingFault::new(flag, problem);
    let (number, words) = script
        .split_once('=')
        .ok_or_else(|| fault(format!("“{script}” is not of the form NAME=SCENARIO")))?;
    let scenarios = words
        .split(',')
        .map(|word| word.trim().parse().map_err(|unknown: S::Err| fault(unknown.to_string())))
        .collect::<Result<_, _>>()?;
    Ok((number, scenarios))
}
