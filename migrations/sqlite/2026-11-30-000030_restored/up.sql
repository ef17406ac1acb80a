-- A database that was restored from a backup: the mark that says so, and since when it is spent; the payment instructions
-- that were In Process as it was opened, whose messages may have been sent in the time that is lost. A word for the
-- reason of such messages.
CREATE TABLE restorations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- What the backup holds is as of this instant.
    backed_up_at TIMESTAMP NOT NULL,
    -- When the first program opened it.
    opened_at TIMESTAMP
);
CREATE TABLE restored_instructions (
    instruction_id BIGINT PRIMARY KEY REFERENCES payment_instructions (id)
);

DROP INDEX outbox_messages_of_tenant_by_reason;
DROP INDEX outbox_messages_by_reason;
ALTER TABLE outbox_messages DROP COLUMN reason;
ALTER TABLE outbox_messages ADD COLUMN reason TEXT GENERATED ALWAYS AS (
    CASE state
        WHEN 'failed' THEN CASE
            WHEN last_error = 'There is no mobile number.' THEN 'no-number'
            WHEN last_error = 'The mobile number does not have 10 digits.' THEN 'bad-number'
            WHEN last_error LIKE 'The mobile number is none of India''s%' THEN 'bad-number'
            WHEN last_error LIKE 'The mobile number is the placeholder%' THEN 'placeholder'
            WHEN last_error LIKE 'The mobile number cannot be read%' THEN 'unreadable'
            WHEN last_error LIKE 'This payment belongs to another beneficiary ID%' THEN 'other-person'
            WHEN last_error = 'There is no usable UTR number.' THEN 'no-text'
            WHEN last_error = 'The amount is not above zero.' THEN 'no-text'
            WHEN last_error LIKE 'The gateway refused the message%' THEN 'refused'
            ELSE 'failed' END
        WHEN 'held' THEN CASE
            WHEN last_error LIKE 'The money went to another account%' THEN 'other-account'
            WHEN last_error LIKE 'RBI''s message about this payment%' THEN 'not-said-paid'
            WHEN last_error LIKE 'MUKTASoft has said since%' THEN 'returned'
            WHEN last_error LIKE 'The data here was restored%' THEN 'restored'
            ELSE 'held' END
        WHEN 'unknown' THEN 'unknown'
        WHEN 'waiting' THEN CASE WHEN last_error IS NULL THEN 'in-line' ELSE 'not-taken' END
        WHEN 'sending' THEN CASE WHEN last_error IS NULL THEN 'in-line' ELSE 'not-taken' END
    END) VIRTUAL;
CREATE INDEX outbox_messages_by_reason ON outbox_messages (reason, id, tenant_id) WHERE reason IS NOT NULL;
CREATE INDEX outbox_messages_of_tenant_by_reason ON outbox_messages (tenant_id, reason, id)
    WHERE reason IS NOT NULL;
