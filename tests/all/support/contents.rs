//! What is in a world's database, put there and read past the pages.

use mukta_ftps::domain::RunTrigger;
use mukta_ftps::import::{ImportSummary, OnFaulty, import};
use mukta_ftps::store::calls::{self, StoredCall};
use mukta_ftps::store::instructions::{self, PaymentInstruction};
use mukta_ftps::store::outbox::desk::{self, Wanted};
use mukta_ftps::store::outbox::listing::OutboxMessage;
use mukta_ftps::store::scope::Scope;
use mukta_ftps::store::sync_runs::{Begun, SyncRun};
use mukta_ftps::store::{Db, StoreError};
use mukta_ftps::sync::Order;

use super::{Instruction, PEOPLE, Page, REVISED, World, document, introduce, original, pair, revised};

impl World {
    /// Imports instructions and tells JIT of the revised ones.
    pub(crate) fn import(&self, instructions: &[Instruction]) -> ImportSummary {
        let (app, document) = (&self.app, document(instructions));
        let summary =
            import(&app.store, &app.sealer, document.as_bytes(), OnFaulty::Refuse, &app.clock).unwrap();
        introduce(&self.jit, instructions);
        summary
    }

    /// Imports the sample.
    pub(crate) fn import_pair(&self, people: &[impl AsRef<str>]) {
        self.import(&pair(people));
    }

    /// Imports so many revised instructions of one original; returns their numbers.
    pub(crate) fn import_many(&self, count: usize) -> Vec<String> {
        let first = "PI-1013/2022-23/000001";
        let numbers: Vec<String> = (1..=count).map(|place| format!("PI-1013/2023-24/{place:06}")).collect();
        let mut all = vec![original(first, PEOPLE)];
        all.extend(numbers.iter().map(|number| revised(number, first, PEOPLE)));
        self.import(&all);
        numbers
    }

    /// Imports the sample, whatever it was made of, and has it paid: its page then.
    pub(crate) async fn pay(&self, pair: &[Instruction; 2]) -> Page {
        self.import(pair);
        let page = self.press_refresh(REVISED).await;
        assert_eq!(page.attr("main", "data-pi-status"), "Completed");
        page
    }

    /// A sync run that asha started; nothing of it is done yet.
    pub(crate) async fn begun_by_hand(&self) -> SyncRun {
        let begun = self.app.sync.begin(RunTrigger::Hand, Some("asha".to_owned())).await.unwrap();
        let Begun::Started(run) = begun else { panic!("no other run is under way") };
        run
    }

    /// A run goes on by one instruction.
    pub(crate) async fn ask_in(&self, run: &SyncRun, number: &str) {
        let (trigger, by) = (run.trigger_word.of_calls(), run.started_by.clone());
        let order = Order { trigger, by, run_id: Some(run.id) };
        self.app.sync.ask(self.stored(number).id, order).await.unwrap();
    }

    /// Sends the messages that are due.
    pub(crate) async fn deliver(&self) {
        self.app.notifications.run_once().await.unwrap();
    }

    /// Looks into the database.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&mut Db) -> Result<T, StoreError>) -> T {
        self.app.store.read_blocking(work).unwrap()
    }

    /// Does what the pages do not do, or not at this instant.
    pub(crate) fn write<T>(&self, work: impl FnOnce(&mut Db) -> Result<T, StoreError>) -> T {
        self.app.store.write_blocking(work).unwrap()
    }

    /// An instruction as it is stored.
    pub(crate) fn stored(&self, number: &str) -> PaymentInstruction {
        self.read(|db| instructions::find(db, &Scope::of("od"), number)).unwrap()
    }

    /// The calls about an instruction, newest first.
    pub(crate) fn calls_about(&self, number: &str) -> Vec<StoredCall> {
        let id = self.stored(number).id;
        self.read(|db| calls::of_instruction(db, &self.app.sealer, id, None, 1000))
    }

    /// Every message, in the order in which they were entered.
    pub(crate) fn messages(&self) -> Vec<OutboxMessage> {
        let now = self.app.clock.now().naive_utc();
        let all = Wanted::default();
        let mut found = self.read(|db| desk::look(db, &Scope::of("od"), &all, None, now, 10_000)).messages;
        found.reverse();
        found
    }
}
