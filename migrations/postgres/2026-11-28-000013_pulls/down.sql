DROP TABLE people_owed;
DROP TABLE pull_faults;
DROP TABLE pull_notes;
DROP TABLE pull_counts;
DROP TABLE pulls;
DROP TABLE pull_lease;

ALTER TABLE audit_events DISABLE TRIGGER audit_events_keep;
UPDATE audit_events SET action = 'refresh', subject = 'fetched from MUKTASoft: ' || subject WHERE action = 'fetch';
ALTER TABLE audit_events
    ENABLE TRIGGER audit_events_keep,
    DROP CONSTRAINT audit_events_action_check,
    ADD CONSTRAINT audit_events_action_check CHECK (action IN
        ('sign-in', 'sign-in-failed', 'sign-in-throttled', 'sign-out', 'refresh', 'resend', 'run-by-hand',
         'user-added', 'password-changed', 'user-disabled', 'payload-opened', 'settle'));
