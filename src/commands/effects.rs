//! What each command does to the database, as the last paragraph of its help.

use clap::Command;

/// The same command, whose subcommands each say it.
pub(crate) fn told_by(command: Command) -> Command {
    command.mut_subcommands(|one| {
        let Some(effect) = effect(one.get_name()) else { return one };
        let own = one.get_after_help().map(|own| format!("{own}\n\n")).unwrap_or_default();
        let told = format!("{own}What it does to the database: {effect}");
        one.mut_subcommands(|below| below.after_help(told.clone())).after_help(told)
    })
}

/// `None` of those that clap brings along.
fn effect(command: &str) -> Option<&'static str> {
    Some(match command {
        "demo" => {
            "it makes one of its own, ./demo-data/mukta-ftps.db, and keeps it; --reset removes that one first. DATABASE_URL is not \
             read."
        }
        "serve" => {
            "it makes a SQLite database that is not there, brings the schema up to date, and writes what JIT, the gateway, \
             MUKTASoft and the users bring about. What retention says is due is erased each night."
        }
        "sync" => {
            "it brings the schema up to date, and writes what JIT answers: calls, payments, and the messages that `serve` \
             sends. Where MUKTASoft's addresses are set, it pulls first."
        }
        "import" | "pull" => {
            "it brings the schema up to date, and creates and updates payment instructions: all of the records that are right, \
             or none. Nothing is ever removed, and no payment instruction is taken back from Completed."
        }
        "export" => "it changes nothing but the audit trail, which tells that somebody exported.",
        "compare" | "verify" => "it changes nothing.",
        "user" => {
            "it brings the schema up to date (`user list` does not, and changes nothing), changes the one user that is named, \
             ends their sessions where that is said, and tells the audit trail."
        }
        "reseal" => {
            "it seals every account number, mobile number, payload and secret anew, row by row, beside a running `serve`, and \
             forgets the earlier key at the end. It may be interrupted and begun again. On SQLite the file is rewritten at the end."
        }
        "migrate" => {
            "it brings the schema up to date, a SQLite file after a copy beside it, and changes nothing else."
        }
        "check" => {
            "nothing; a write is tried and taken back. It takes the settings of `serve`, and runs beside it. A line each says ok, \
             warn or fail, and what to do; exit code 1 where one says fail. With --online it also looks up the names of JIT, of the \
             SMS gateway and of MUKTASoft, connects to them, and signs in at JIT, once; no message is sent, and JIT is asked about \
             no payment."
        }
        "copy" => {
            "every row of the SQLite database in DATABASE_URL is copied into the PostgreSQL database of --to, which must hold \
             nothing, and which it brings to its schema, as its owner. Stop `serve` first, and start it with the new \
             DATABASE_URL afterwards; the keys stay the same. At the end each row is compared with the one that PostgreSQL \
             holds. A copy that broke off goes on when it is begun again; until it is done no program opens the new database. \
             The audit trail of both tells of it; the SQLite database is not changed otherwise. A password in --to can be seen \
             by everybody on this machine while the command runs: leave it out, and name it in PGPASSWORD, or its file in \
             PGPASSFILE."
        }
        "backup" => {
            "nothing; it reads one state of it, and nobody waits for it. The copy is written beside its \
             place under another name, opened, checked page by page and marked with its instant; then it gets its name, whole. Only \
             its owner may read it. Put in the place of the database (docs/OPERATIONS.md, “Back up, and restore”) it has the first \
             program that opens it hold every message that may have been sent since. PostgreSQL has pg_dump, and `restored`."
        }
        "restored" => {
            "marks it as restored from a backup of that instant. The first program that opens it then \
             holds every message that waits, and every message later made for a payment instruction that is In Process at that \
             opening, until a person sends or settles it. A copy made by `backup` bears the mark already. An older schema is brought \
             up to date first. Refused while a program is at work on the database."
        }
        "prune" => {
            "of calls and messages older than RETENTION_PAYLOAD_DAYS, request, response and the gateway's answer are emptied \
             for good, and the rows stay; those of a payment instruction that is In Process are kept until it is not. Events of \
             the audit trail older than RETENTION_AUDIT_DAYS are removed from the oldest end. Sessions that have ended, and \
             attempts to sign in that count no more, are forgotten. The audit trail tells what was erased. On SQLite the file \
             is rewritten at the end, so that what was erased is gone from it and the room is given back: writers wait for that."
        }
        "simulate" => "it has none; a file of --instructions is only read.",
        _ => return None,
    })
}
