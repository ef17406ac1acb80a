-- Messages that are held until a person reads why, and messages that a person settled; whom a message was
-- written for.

ALTER TABLE outbox_messages
    -- MUKTASoft's id of whom it was written for: the message is theirs alone.
    ADD COLUMN person_id TEXT,
    DROP CONSTRAINT outbox_messages_state_check,
    ADD CONSTRAINT outbox_messages_state_check CHECK (state IN
        ('waiting', 'sending', 'sent', 'failed', 'unknown', 'held', 'settled'));
UPDATE outbox_messages SET person_id = b.beneficiary_id FROM beneficiaries b
    WHERE b.id = outbox_messages.beneficiary_id;

ALTER TABLE outbox_events
    -- What a person who settled it did instead.
    ADD COLUMN note TEXT,
    DROP CONSTRAINT outbox_events_what_check,
    ADD CONSTRAINT outbox_events_what_check CHECK (what IN
        ('sent', 'waiting', 'failed', 'unknown', 'resend', 'held', 'settle', 'renewed')),
    DROP CONSTRAINT outbox_events_check,
    ADD CONSTRAINT outbox_events_check CHECK ((what IN ('resend', 'settle')) = (person IS NOT NULL)),
    ADD CONSTRAINT outbox_events_note_check CHECK ((what = 'settle') = (note IS NOT NULL));

ALTER TABLE audit_events
    DROP CONSTRAINT audit_events_action_check,
    ADD CONSTRAINT audit_events_action_check CHECK (action IN
        ('sign-in', 'sign-in-failed', 'sign-in-throttled', 'sign-out', 'refresh', 'resend', 'run-by-hand',
         'user-added', 'password-changed', 'user-disabled', 'payload-opened', 'settle'));
