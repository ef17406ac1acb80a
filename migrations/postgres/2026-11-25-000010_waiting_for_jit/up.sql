-- Since when a run under way waits for a JIT that cannot be reached; NULL while it does not.
ALTER TABLE sync_runs ADD COLUMN waiting_since TIMESTAMP;

-- What a claim was made for: if its process dies, whoever finds it writes this into the call log.
ALTER TABLE payment_instructions ADD COLUMN lease_started_at TIMESTAMP;
ALTER TABLE payment_instructions ADD COLUMN lease_trigger TEXT;
ALTER TABLE payment_instructions ADD COLUMN lease_by TEXT;
ALTER TABLE payment_instructions ADD COLUMN lease_run_id BIGINT;
CREATE INDEX payment_instructions_claimed ON payment_instructions (lease_until) WHERE lease_until IS NOT NULL;
-- JIT could not be asked for want of something here, and that has been told: runs leave it out.
ALTER TABLE payment_instructions ADD COLUMN cannot_ask BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX payment_instructions_cannot_ask ON payment_instructions (id) WHERE cannot_ask;

-- Two words more: a call whose fate is not known, and one that was not sent.
ALTER TABLE ftps_calls
    DROP CONSTRAINT ftps_calls_outcome_check,
    ADD CONSTRAINT ftps_calls_outcome_check CHECK (outcome IN
        ('no-response', 'error', 'glitch', 'success', 'unknown', 'not-sent'));
