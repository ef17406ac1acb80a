-- The extension pg_trgm stays: it may have been here before, and others may use it.
DROP TABLE search_texts;
DROP INDEX payment_instructions_for_action;
DROP INDEX payment_instructions_by_status;
DROP INDEX payment_instructions_by_tenant;
DROP INDEX payment_instructions_by_place;
ALTER TABLE payment_instructions DROP COLUMN action_rank, DROP COLUMN place, DROP COLUMN is_revised;
CREATE INDEX payment_instructions_by_tenant ON payment_instructions (tenant_id, created_at, id);
