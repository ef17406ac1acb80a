ALTER TABLE payment_instructions DROP COLUMN paid_payments;

DROP INDEX payment_instructions_by_place;
CREATE INDEX payment_instructions_by_place ON payment_instructions (place, tenant_id, is_revised);
DROP INDEX payment_instructions_needing;
CREATE INDEX payment_instructions_unsettled ON payment_instructions (place, tenant_id)
    WHERE unsettled_payments > 0;
DROP INDEX payment_instructions_longest;
DROP INDEX payment_instructions_by_age;
CREATE INDEX payment_instructions_by_age ON payment_instructions (in_process_since, place)
    WHERE action_rank IS NOT NULL;
DROP INDEX payment_instructions_for_action;
CREATE INDEX payment_instructions_for_action ON payment_instructions (action_rank, place, tenant_id)
    WHERE action_rank IS NOT NULL;
