-- What was held or settled stands as failed, which only a person sends; who settled it, and their note, stand
-- as the cause.

ALTER TABLE outbox_events
    DISABLE TRIGGER outbox_events_fixed,
    DROP CONSTRAINT outbox_events_note_check,
    DROP CONSTRAINT outbox_events_check;
UPDATE outbox_events SET what = 'failed', cause = 'Settled by ' || person || ': ' || note, person = NULL
    WHERE what = 'settle';
UPDATE outbox_events SET what = CASE what WHEN 'held' THEN 'failed' ELSE 'waiting' END
    WHERE what IN ('held', 'renewed');
ALTER TABLE outbox_events
    ENABLE TRIGGER outbox_events_fixed,
    DROP COLUMN note,
    DROP CONSTRAINT outbox_events_what_check,
    ADD CONSTRAINT outbox_events_what_check CHECK (what IN ('sent', 'waiting', 'failed', 'unknown', 'resend')),
    ADD CONSTRAINT outbox_events_check CHECK ((what = 'resend') = (person IS NOT NULL));

UPDATE outbox_messages SET state = 'failed' WHERE state IN ('held', 'settled');
ALTER TABLE outbox_messages
    DROP COLUMN person_id,
    DROP CONSTRAINT outbox_messages_state_check,
    ADD CONSTRAINT outbox_messages_state_check CHECK (state IN ('waiting', 'sending', 'sent', 'failed', 'unknown'));

ALTER TABLE audit_events DISABLE TRIGGER audit_events_keep;
UPDATE audit_events SET action = 'resend', subject = 'settled, not sent: ' || subject WHERE action = 'settle';
ALTER TABLE audit_events
    ENABLE TRIGGER audit_events_keep,
    DROP CONSTRAINT audit_events_action_check,
    ADD CONSTRAINT audit_events_action_check CHECK (action IN
        ('sign-in', 'sign-in-failed', 'sign-in-throttled', 'sign-out', 'refresh', 'resend', 'run-by-hand',
         'user-added', 'password-changed', 'user-disabled', 'payload-opened'));
