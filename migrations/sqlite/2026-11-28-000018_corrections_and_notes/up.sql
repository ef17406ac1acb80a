-- Until when payments can still be corrected (src/domain/correction.rs), and notes of people on an instruction.

-- When the original was created, where payments of this instruction failed or came back and no later one holds
-- them; NULL too where the original is not known (src/store/unsettled.rs).
ALTER TABLE payment_instructions ADD COLUMN correction_due_from TIMESTAMP;
UPDATE payment_instructions AS p SET correction_due_from = (
    WITH RECURSIVE up (parent_number, created_at) AS (
        SELECT p.parent_number, p.created_at
        UNION
        SELECT q.parent_number, q.created_at FROM up JOIN payment_instructions q
            ON lower(q.number) = lower(up.parent_number) AND q.tenant_id = p.tenant_id)
    SELECT created_at FROM up WHERE parent_number IS NULL LIMIT 1)
    WHERE unsettled_payments > CASE WHEN completed_by = 'ftps' THEN 0 ELSE (
        SELECT count(*) FROM beneficiaries b WHERE b.instruction_id = p.id
        AND b.payment_status NOT IN ('Payment Successful', 'Payment Failed')) END;
CREATE INDEX payment_instructions_to_correct ON payment_instructions (place, tenant_id, correction_due_from)
    WHERE correction_due_from IS NOT NULL;

CREATE TABLE notes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    instruction_id BIGINT NOT NULL REFERENCES payment_instructions (id),
    written_at TIMESTAMP NOT NULL,
    -- The employee's name.
    person TEXT NOT NULL,
    text TEXT NOT NULL CHECK (text <> '')
);
CREATE INDEX notes_by_instruction ON notes (instruction_id, id);
CREATE TRIGGER notes_keep BEFORE DELETE ON notes
BEGIN SELECT RAISE(ABORT, 'notes are append-only'); END;
CREATE TRIGGER notes_fixed BEFORE UPDATE ON notes
BEGIN SELECT RAISE(ABORT, 'notes are append-only'); END;

-- That somebody wrote one goes into the audit trail.
CREATE TEMPORARY TABLE set_aside AS SELECT * FROM audit_events;
CREATE TEMPORARY TABLE ids_given AS SELECT name, seq FROM sqlite_sequence WHERE name = 'audit_events';
DROP TABLE audit_events;
CREATE TABLE audit_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TIMESTAMP NOT NULL,
    -- Who: an employee's name, or who ran a command on the machine.
    actor TEXT NOT NULL,
    tenant_id TEXT,
    address TEXT,
    action TEXT NOT NULL CHECK (action IN ('sign-in', 'sign-in-failed', 'sign-in-throttled', 'sign-out',
        'refresh', 'resend', 'run-by-hand', 'user-added', 'password-changed', 'user-disabled',
        'payload-opened', 'settle', 'fetch', 'note')),
    -- On what: a PI number, a user's name.
    subject TEXT
);
INSERT INTO audit_events (id, at, actor, tenant_id, address, action, subject)
    SELECT id, at, actor, tenant_id, address, action, subject
    FROM set_aside;
DELETE FROM sqlite_sequence WHERE name = 'audit_events';
INSERT INTO sqlite_sequence (name, seq) SELECT name, seq FROM ids_given;
DROP TABLE set_aside;
DROP TABLE ids_given;
CREATE INDEX audit_events_by_time ON audit_events (at);
CREATE TRIGGER audit_events_keep BEFORE DELETE ON audit_events
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_events_fixed BEFORE UPDATE ON audit_events
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
