DROP INDEX outbox_messages_waiting;
DROP INDEX outbox_messages_of_tenant_by_reason;
DROP INDEX outbox_messages_by_reason;
ALTER TABLE outbox_messages DROP COLUMN waiting_since;
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
            ELSE 'held' END
        WHEN 'unknown' THEN 'unknown'
        WHEN 'waiting' THEN CASE WHEN last_error IS NULL THEN 'in-line' ELSE 'not-taken' END
        WHEN 'sending' THEN CASE WHEN last_error IS NULL THEN 'in-line' ELSE 'not-taken' END
    END) STORED;
ALTER TABLE outbox_messages ADD COLUMN waiting_since TIMESTAMP GENERATED ALWAYS AS (
    CASE WHEN state IN ('waiting', 'sending') THEN created_at END) STORED;
CREATE INDEX outbox_messages_by_reason ON outbox_messages (reason, id, tenant_id) WHERE reason IS NOT NULL;
CREATE INDEX outbox_messages_of_tenant_by_reason ON outbox_messages (tenant_id, reason, id)
    WHERE reason IS NOT NULL;
CREATE INDEX outbox_messages_waiting ON outbox_messages (waiting_since, id, tenant_id)
    WHERE waiting_since IS NOT NULL;

DROP TABLE restored_instructions;
DROP TABLE restorations;
