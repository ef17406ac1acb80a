DROP INDEX outbox_messages_waiting;
DROP INDEX outbox_messages_of_tenant_by_reason;
DROP INDEX outbox_messages_by_reason;
DROP INDEX outbox_messages_of_tenant;
ALTER TABLE outbox_messages DROP COLUMN waiting_since;
ALTER TABLE outbox_messages DROP COLUMN reason;
