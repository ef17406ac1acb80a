DROP INDEX payment_instructions_completed;
CREATE INDEX payment_instructions_completed ON payment_instructions (completed_at) WHERE completed_at IS NOT NULL;
