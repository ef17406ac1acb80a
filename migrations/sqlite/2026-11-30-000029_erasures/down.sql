DROP TRIGGER outbox_events_emptied;
DROP TRIGGER outbox_events_new;
ALTER TABLE outbox_events DROP COLUMN pruned_by;
CREATE TRIGGER outbox_events_emptied BEFORE UPDATE OF gateway_answer ON outbox_events
WHEN NEW.gateway_answer IS NOT NULL
    OR NOT EXISTS (SELECT 1 FROM prunes WHERE is_open AND OLD.happened_at < payloads_before)
BEGIN SELECT RAISE(ABORT, 'the outbox events are append-only'); END;
CREATE TRIGGER outbox_events_new BEFORE INSERT ON outbox_events
WHEN NEW.id > 0 AND NEW.id <= (SELECT max(id) FROM outbox_events)
BEGIN SELECT RAISE(ABORT, 'the outbox events are append-only'); END;

ALTER TABLE prunes DROP COLUMN signature;
