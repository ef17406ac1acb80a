//! The sentences that other parts of the program store in English (calls, messages), so that a page
//! can tell them in another language beside. A gap stands for what they fill in. A test compares
//! them with the code that writes them.

/// Every such sentence but the statuses, which are enums of [`ftps`](crate::ftps).
pub const SENTENCES: &[&str] = &[
    // DOMAIN.md §2.
    "No response is received.",
    "Response is received and updated successfully",
    // Technical glitches.
    "The original payment instruction is not known here, so JIT cannot be asked.",
    "The online bill reference of the original payment instruction %{number} is not known here, so JIT cannot be asked.",
    "The call broke off because of a fault in this program.",
    "JIT's reply could not be read because of a fault in this program.",
    "The request to JIT could not be encrypted.",
    "JIT ended our session at once, twice in a row.",
    "JIT did not let us sign in: it answered with HTTP status %{status}.",
    "JIT's answer to our sign-in is too large to be read.",
    "JIT's answer to our sign-in could not be understood.",
    "JIT's reply is larger than 8 MiB and was not read.",
    "JIT answered with HTTP status %{status}.",
    "JIT's reply is not in JSON format.",
    "JIT's reply is not base64 text, as agreed.",
    "JIT's reply could not be decrypted.",
    "JIT's reply is for another service (%{service}).",
    "JIT's reply is not in the agreed form: %{fault}.",
    "JIT's reply holds no data.",
    "JIT's reply names this payment instruction more than once.",
    "JIT's reply is about another payment instruction (%{number}).",
    "JIT's reply does not name this payment instruction.",
    "This payment instruction has no beneficiaries here, so JIT's reply cannot be applied.",
    "JIT's reply names beneficiary %{id} more than once.",
    "JIT's reply leaves out beneficiary %{id}.",
    "JIT's reply names beneficiary %{id}, who is not part of this payment instruction.",
    "JIT's reply has no UTR number for beneficiary %{id}.",
    "JIT's reply has a UTR number that cannot be one for beneficiary %{id}.",
    // Messages that were not accepted.
    "There is no mobile number.",
    "The mobile number does not have 10 digits.",
    "The mobile number is the placeholder 9999999999.",
    "The mobile number cannot be read with the data keys at hand.",
    "There is no usable UTR number.",
    "The amount is not above zero.",
    "The program was held up before it could send the message.",
    "The program stopped while it was sending this message, so whether the gateway accepted it is not known.",
    "The gateway could not be reached (%{cause}).",
    "The gateway did not answer in time, so whether it accepted the message is not known (%{cause}).",
    "The gateway gave no whole answer, so whether it accepted the message is not known (%{cause}).",
    "The gateway did not take the message (HTTP status %{status}).",
    "Something before the gateway answered with HTTP status %{status}, so whether the gateway accepted the message is not known.",
    "The gateway's answer cannot be read, so whether it accepted the message is not known.",
    "The gateway refused the message.",
    "The gateway refused the message (HTTP status %{status}).",
];
