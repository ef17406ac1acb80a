//! The domain: payment instructions, what FTPS says of them, and what follows from it.
//!
//! Nothing in here does I/O, reads a clock or logs. The mapping of DOMAIN.md §2 is
//! [`decide`](fn@decide), a total function from what we asked and what came back to a [`Decision`].

pub mod date;
pub mod decide;
pub mod money;
pub mod reply;
pub mod status;

pub use decide::{AskedBeneficiary, AskedInstruction, Decision, PaidBeneficiary, Payment, decide};
pub use money::Paise;
pub use reply::{Answer, AnswerData, BillToAsk, Entry, EntryBeneficiary, Reply};
pub use status::{
    MessageEventKind, MessageState, Outcome, PaymentStatus, PiStatus, RunState, RunTrigger, Trigger,
};
