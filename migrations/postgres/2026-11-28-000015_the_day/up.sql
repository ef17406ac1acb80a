-- People are found by their references, and the day and the month are counted, each from an index of its own.
-- SQLite takes an index of an expression for a comparison only if it leaves no row out.

CREATE INDEX beneficiaries_by_payment_key ON beneficiaries (payment_key);
CREATE INDEX beneficiaries_by_person ON beneficiaries (lower(beneficiary_id));
CREATE INDEX beneficiaries_by_utr ON beneficiaries (lower(utr));
CREATE INDEX beneficiaries_by_account_end ON beneficiaries (account_last4) WHERE account_last4 IS NOT NULL;
CREATE INDEX beneficiaries_by_mobile_end ON beneficiaries (mobile_last4) WHERE mobile_last4 IS NOT NULL;
CREATE INDEX beneficiaries_returned ON beneficiaries (returned_at) WHERE returned_at IS NOT NULL;
CREATE INDEX payment_advices_by_bill_reference ON payment_advices (lower(bill_reference));
CREATE INDEX payment_instructions_by_bill_reference ON payment_instructions (lower(ftps_bill_reference));
CREATE INDEX payment_instructions_completed ON payment_instructions (completed_at) WHERE completed_at IS NOT NULL;
