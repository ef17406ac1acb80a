DROP TABLE notes;
DROP INDEX payment_instructions_to_correct;
ALTER TABLE payment_instructions DROP COLUMN correction_due_from;

ALTER TABLE audit_events DISABLE TRIGGER audit_events_keep;
UPDATE audit_events SET action = 'refresh', subject = 'noted on: ' || subject WHERE action = 'note';
ALTER TABLE audit_events
    ENABLE TRIGGER audit_events_keep,
    DROP CONSTRAINT audit_events_action_check,
    ADD CONSTRAINT audit_events_action_check CHECK (action IN
        ('sign-in', 'sign-in-failed', 'sign-in-throttled', 'sign-out', 'refresh', 'resend', 'run-by-hand',
         'user-added', 'password-changed', 'user-disabled', 'payload-opened', 'settle', 'fetch'));
