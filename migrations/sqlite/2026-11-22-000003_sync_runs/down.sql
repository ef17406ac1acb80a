DROP INDEX payment_instructions_due;
ALTER TABLE payment_instructions DROP COLUMN unanswered_attempts;
ALTER TABLE payment_instructions DROP COLUMN next_attempt_at;
DROP TRIGGER ftps_calls_fixed;
CREATE TRIGGER ftps_calls_fixed BEFORE UPDATE OF id, instruction_id, call_ref, trigger_word, triggered_by,
    started_at, duration_ms, outcome, message, cause, http_status, applied ON ftps_calls
BEGIN SELECT RAISE(ABORT, 'the call log is append-only'); END;
DROP INDEX ftps_calls_by_run;
ALTER TABLE ftps_calls DROP COLUMN run_id;
DROP TABLE program_state;
DROP TABLE sync_run_items;
DROP TABLE sync_runs;
