-- The nightly sync: its runs, which payment instructions belong to each, and when one that got no
-- usable answer is asked about again.

CREATE TABLE sync_runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- The instant of SYNC_SCHEDULE that it is for: however many processes see it come, one run is made.
    -- None of a run that somebody started.
    scheduled_for TIMESTAMP UNIQUE,
    trigger_word TEXT NOT NULL CHECK (trigger_word IN ('nightly', 'made-up', 'command', 'hand')),
    started_by TEXT,
    state TEXT NOT NULL CHECK (state IN ('running', 'finished', 'interrupted')),
    started_at TIMESTAMP NOT NULL,
    -- When a process last worked on it.
    worked_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP,
    CHECK ((state = 'running') = (finished_at IS NULL)),
    CHECK ((scheduled_for IS NOT NULL) = (trigger_word IN ('nightly', 'made-up')))
);
CREATE UNIQUE INDEX sync_runs_one_running ON sync_runs (state) WHERE state = 'running';

-- What a run has to ask about, written when it begins. No outcome yet: still to be asked.
CREATE TABLE sync_run_items (
    run_id BIGINT NOT NULL REFERENCES sync_runs (id),
    instruction_id BIGINT NOT NULL REFERENCES payment_instructions (id),
    -- A payment instruction never changes its tenant; here, so that a town's share is counted fast.
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    outcome TEXT CHECK (outcome IN ('no-response', 'error', 'glitch', 'success', 'skipped')),
    PRIMARY KEY (run_id, instruction_id)
) WITHOUT ROWID;
CREATE INDEX sync_run_items_open ON sync_run_items (run_id, instruction_id) WHERE outcome IS NULL;
CREATE INDEX sync_run_items_counted ON sync_run_items (run_id, tenant_id, outcome);

-- Since when the nights are watched: none counts as missed before.
CREATE TABLE program_state (
    name TEXT PRIMARY KEY,
    noted_at TIMESTAMP NOT NULL
);

ALTER TABLE ftps_calls ADD COLUMN run_id BIGINT REFERENCES sync_runs (id);
CREATE INDEX ftps_calls_by_run ON ftps_calls (run_id, instruction_id) WHERE run_id IS NOT NULL;

DROP TRIGGER ftps_calls_fixed;
CREATE TRIGGER ftps_calls_fixed BEFORE UPDATE OF id, instruction_id, call_ref, trigger_word, triggered_by,
    started_at, duration_ms, outcome, message, cause, http_status, applied, run_id ON ftps_calls
BEGIN SELECT RAISE(ABORT, 'the call log is append-only'); END;

ALTER TABLE payment_instructions ADD COLUMN next_attempt_at TIMESTAMP;
ALTER TABLE payment_instructions ADD COLUMN unanswered_attempts INTEGER NOT NULL DEFAULT 0;
CREATE INDEX payment_instructions_due ON payment_instructions (next_attempt_at)
    WHERE next_attempt_at IS NOT NULL;
