-- What MUKTASoft told, word for word; payments that came back; and a number for each change, so that an
-- export goes on exactly where the one before it ended (DOMAIN.md §8).

-- MUKTASoft's `lastModifiedTime` of what is here.
ALTER TABLE payment_instructions ADD COLUMN modified_at TIMESTAMP;
-- MUKTASoft's own word for the status that is here.
ALTER TABLE payment_instructions ADD COLUMN told_status TEXT;
-- The treasury's reason, `piErrorResp`; numbers of people in it are masked.
ALTER TABLE payment_instructions ADD COLUMN error_response TEXT;
-- Grows with the order of commits; 0 only within the transaction that changes it (src/store/changes.rs).
ALTER TABLE payment_instructions ADD COLUMN change_number BIGINT NOT NULL DEFAULT 1;
-- Payments that failed or came back and that no later instruction holds, and those that are open though
-- MUKTASoft has completed the instruction (src/store/unsettled.rs).
ALTER TABLE payment_instructions ADD COLUMN unsettled_payments INTEGER NOT NULL DEFAULT 0;

-- When it became known here that a payment which FTPS reported came back.
ALTER TABLE beneficiaries ADD COLUMN returned_at TIMESTAMP
    CHECK (returned_at IS NULL OR payment_status = 'Payment Failed');
-- After a payment was made: the amount that MUKTASoft tells, where it is another, and who was paid, where
-- MUKTASoft names somebody else.
ALTER TABLE beneficiaries ADD COLUMN told_amount_paise BIGINT CHECK (told_amount_paise >= 0);
ALTER TABLE beneficiaries ADD COLUMN paid_beneficiary_id TEXT;

CREATE TABLE change_counter (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    latest BIGINT NOT NULL
);
INSERT INTO change_counter (one, latest) VALUES (1, 1);

CREATE INDEX payment_instructions_unnumbered ON payment_instructions (id) WHERE change_number = 0;
CREATE INDEX payment_instructions_by_change_number ON payment_instructions (change_number, id);
-- Two PI numbers that differ in case only are one PI.
CREATE INDEX payment_instructions_by_folded_number ON payment_instructions (lower(number));
DROP INDEX payment_instructions_by_parent;
CREATE INDEX payment_instructions_by_parent ON payment_instructions (lower(parent_number));
CREATE INDEX payment_instructions_unsettled ON payment_instructions (place, tenant_id)
    WHERE unsettled_payments > 0;
CREATE INDEX beneficiaries_paid_elsewhere ON beneficiaries (instruction_id)
    WHERE other_account_sealed IS NOT NULL;

-- Whom FTPS reported paid stays paid, or the payment came back.
CREATE TRIGGER beneficiaries_stay_paid BEFORE UPDATE OF payment_status, utr, returned_at ON beneficiaries
WHEN ((NEW.payment_status <> 'Payment Successful' AND NEW.returned_at IS NULL) OR COALESCE(NEW.utr, '') = '')
    AND EXISTS (SELECT 1 FROM payment_instructions WHERE id = NEW.instruction_id AND completed_by = 'ftps')
BEGIN SELECT RAISE(ABORT, 'whom FTPS reported paid stays paid, unless the payment came back'); END;

-- What failed before this migration and is in no later instruction of the same parent.
UPDATE payment_instructions AS p SET unsettled_payments = (
    SELECT count(*) FROM beneficiaries b WHERE b.instruction_id = p.id AND b.payment_status = 'Payment Failed'
    AND NOT EXISTS (SELECT 1 FROM payment_instructions q JOIN beneficiaries c ON c.instruction_id = q.id
        WHERE lower(q.parent_number) = lower(p.number) AND q.tenant_id = p.tenant_id
        AND c.payment_key = b.payment_key))
    WHERE status = 'Completed' AND is_active;
UPDATE payment_instructions AS p SET unsettled_payments = unsettled_payments + (
    SELECT count(*) FROM beneficiaries b WHERE b.instruction_id = p.id
    AND b.payment_status NOT IN ('Payment Successful', 'Payment Failed'))
    WHERE completed_by = 'muktasoft' AND is_active;
