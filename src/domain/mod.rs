//! The domain: payment instructions, what FTPS says of them, and what follows from it.
//!
//! Nothing in here does I/O, reads a clock or logs. The mapping of DOMAIN.md §2 is
//! [`decide`](fn@decide), a total function from what we asked and what came back to a [`Decision`].

pub mod alerts;
pub mod bill;
pub mod correction;
pub mod date;
pub mod decide;
pub mod glitch;
pub mod money;
pub mod nights;
pub mod record;
pub mod refusal;
pub mod reply;
pub mod retention;
pub mod retry;
pub mod sentence;
pub mod sms;
pub mod status;
pub mod text;
pub mod unsettled;
pub(crate) mod words;

pub use bill::{Ancestry, BillToAsk, Missing, Revisable};
pub use decide::{AskedBeneficiary, AskedInstruction, Decision, PaidBeneficiary, Payment, decide};
pub use glitch::{DeliveryFault, Glitch, HoldReason, Refusal};
pub use money::Paise;
pub use reply::{Answer, AnswerData, Entry, EntryBeneficiary, Reply};
pub use status::{
    CallOutcome, CompletedBy, Flag, ItemOutcome, LatestOutcome, MessageEventKind, MessageReason,
    MessageState, Outcome, PaymentStatus, PiStatus, PullFailure, PullNoteKind, PullTrigger, RunState,
    RunTrigger, Trigger,
};
pub use words::UnknownWord;
