DROP TRIGGER beneficiaries_stay_paid;
DROP INDEX beneficiaries_paid_elsewhere;
DROP INDEX payment_instructions_unsettled;
DROP INDEX payment_instructions_by_parent;
CREATE INDEX payment_instructions_by_parent ON payment_instructions (parent_number);
DROP INDEX payment_instructions_by_folded_number;
DROP INDEX payment_instructions_by_change_number;
DROP INDEX payment_instructions_unnumbered;
DROP TABLE change_counter;
-- The program before this one knows a payment that came back as one that MUKTASoft disputes.
UPDATE beneficiaries SET payment_status = 'Payment Successful', failure_reason = NULL, disputed = TRUE,
    returned_at = NULL WHERE returned_at IS NOT NULL;
ALTER TABLE beneficiaries DROP COLUMN paid_beneficiary_id;
ALTER TABLE beneficiaries DROP COLUMN told_amount_paise;
ALTER TABLE beneficiaries DROP COLUMN returned_at;
ALTER TABLE payment_instructions DROP COLUMN unsettled_payments;
ALTER TABLE payment_instructions DROP COLUMN change_number;
ALTER TABLE payment_instructions DROP COLUMN error_response;
ALTER TABLE payment_instructions DROP COLUMN told_status;
ALTER TABLE payment_instructions DROP COLUMN modified_at;
