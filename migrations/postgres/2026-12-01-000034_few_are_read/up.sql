-- What the list, its tabs and the day count is read from indexes alone.

-- What waits: by ULB, and what it comes to.
DROP INDEX payment_instructions_for_action;
CREATE INDEX payment_instructions_for_action
    ON payment_instructions (action_rank, place, tenant_id, net_paise, cannot_ask) INCLUDE (id)
    WHERE action_rank IS NOT NULL;
-- Since when; and whether it is among those below.
DROP INDEX payment_instructions_by_age;
CREATE INDEX payment_instructions_by_age ON payment_instructions
    (in_process_since, place, tenant_id, net_paise, ftps_outcome, cannot_ask, unsettled_payments)
    INCLUDE (id) WHERE action_rank IS NOT NULL;
CREATE INDEX payment_instructions_longest
    ON payment_instructions (COALESCE(in_process_since, created_at), id, tenant_id) WHERE action_rank IS NOT NULL;
-- What a person must act on, whatever the time.
DROP INDEX payment_instructions_unsettled;
CREATE INDEX payment_instructions_needing ON payment_instructions (place, tenant_id, net_paise) INCLUDE (id)
    WHERE unsettled_payments > 0 OR (action_rank IS NOT NULL AND (ftps_outcome = 'error' OR cannot_ask));
-- All, newest first, and what they come to.
DROP INDEX payment_instructions_by_place;
CREATE INDEX payment_instructions_by_place ON payment_instructions (place, tenant_id, is_revised, net_paise)
    INCLUDE (id);

-- How many payments are made, kept with `payments`, `failed_payments` and `flags`.
ALTER TABLE payment_instructions ADD COLUMN paid_payments INTEGER NOT NULL DEFAULT 0;
UPDATE payment_instructions SET paid_payments = (SELECT count(*) FROM beneficiaries b
    WHERE b.instruction_id = payment_instructions.id AND b.payment_status = 'Payment Successful');
