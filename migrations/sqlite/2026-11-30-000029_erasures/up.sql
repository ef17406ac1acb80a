-- What was erased since it was due is signed with the key of the chains, and an answer of the gateway that was
-- emptied says by which prune.
ALTER TABLE prunes ADD COLUMN signature BLOB;

DROP TRIGGER outbox_events_emptied;
DROP TRIGGER outbox_events_new;
ALTER TABLE outbox_events ADD COLUMN pruned_by BIGINT;
CREATE TRIGGER outbox_events_emptied BEFORE UPDATE OF gateway_answer, pruned_by ON outbox_events
WHEN OLD.gateway_answer IS NULL OR NEW.gateway_answer IS NOT NULL
    OR NOT EXISTS (SELECT 1 FROM prunes p WHERE p.is_open AND p.id = NEW.pruned_by
        AND OLD.happened_at < p.payloads_before)
BEGIN SELECT RAISE(ABORT, 'the outbox events are append-only'); END;
CREATE TRIGGER outbox_events_new BEFORE INSERT ON outbox_events
WHEN NEW.pruned_by IS NOT NULL OR (NEW.id > 0 AND NEW.id <= (SELECT max(id) FROM outbox_events))
BEGIN SELECT RAISE(ABORT, 'the outbox events are append-only'); END;
