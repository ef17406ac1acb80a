-- The SMS that follow from a payment: one row a message, and an event for whatever happened to it.
-- Neither the mobile number nor the text is kept here: the number is read from the beneficiary when
-- the message is sent, the text is made of what was paid.

CREATE TABLE outbox_messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    instruction_id BIGINT NOT NULL REFERENCES payment_instructions (id),
    beneficiary_id BIGINT NOT NULL REFERENCES beneficiaries (id),
    -- The instruction's, which never changes: for the lists of one ULB.
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    event TEXT NOT NULL CHECK (event IN ('payment-successful')),
    -- What was paid, whatever MUKTASoft says of the amount later.
    amount_paise BIGINT NOT NULL,
    utr TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'failed', 'unknown')),
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    next_attempt_at TIMESTAMP,
    last_error TEXT,
    -- Shortened, telephone numbers masked.
    gateway_answer TEXT,
    created_at TIMESTAMP NOT NULL,
    sent_at TIMESTAMP,
    changed_at TIMESTAMP NOT NULL,

    -- Who is sending it, and until when that claim holds. The token stays when the claim ran out,
    -- so that an answer which comes late all the same still finds its message.
    lease_token TEXT,
    lease_until TIMESTAMP,

    UNIQUE (instruction_id, beneficiary_id, event),
    CHECK ((state = 'waiting') = (next_attempt_at IS NOT NULL)),
    CHECK ((state = 'sending') = (lease_until IS NOT NULL)),
    CHECK (state <> 'sending' OR lease_token IS NOT NULL),
    CHECK ((state = 'sent') = (sent_at IS NOT NULL))
);
CREATE INDEX outbox_messages_due ON outbox_messages (next_attempt_at, id) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX outbox_messages_claimed ON outbox_messages (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX outbox_messages_by_state ON outbox_messages (state, id);
CREATE INDEX outbox_messages_by_tenant ON outbox_messages (tenant_id, state, id);
CREATE INDEX outbox_messages_by_beneficiary ON outbox_messages (beneficiary_id);

CREATE TABLE outbox_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id BIGINT NOT NULL REFERENCES outbox_messages (id),
    happened_at TIMESTAMP NOT NULL,
    -- What an attempt came to, or that a person had the message sent again.
    what TEXT NOT NULL CHECK (what IN ('sent', 'waiting', 'failed', 'unknown', 'resend')),
    -- Which attempt; 0 where none was made.
    attempt INTEGER NOT NULL,
    cause TEXT,
    gateway_answer TEXT,
    person TEXT,
    -- Whether the message was brought up to date by it: not, if it had been sent again meanwhile.
    applied BOOLEAN NOT NULL,
    CHECK ((what = 'resend') = (person IS NOT NULL))
);
CREATE INDEX outbox_events_by_message ON outbox_events (message_id, id);

-- The events are append-only.
CREATE TRIGGER outbox_events_keep BEFORE DELETE ON outbox_events
BEGIN SELECT RAISE(ABORT, 'the outbox events are append-only'); END;
CREATE TRIGGER outbox_events_fixed BEFORE UPDATE ON outbox_events
BEGIN SELECT RAISE(ABORT, 'the outbox events are append-only'); END;
