-- What was erased since it was due is signed with the key of the chains, and an answer of the gateway that was
-- emptied says by which prune.
ALTER TABLE prunes ADD COLUMN signature BYTEA;

ALTER TABLE outbox_events ADD COLUMN pruned_by BIGINT;
DROP TRIGGER outbox_events_emptied ON outbox_events;
CREATE OR REPLACE FUNCTION refuse_emptying_of_messages() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF OLD.gateway_answer IS NULL OR NEW.gateway_answer IS NOT NULL
        OR NOT EXISTS (SELECT 1 FROM prunes p WHERE p.is_open AND p.id = NEW.pruned_by
            AND OLD.happened_at < p.payloads_before)
    THEN RAISE EXCEPTION 'table % is append-only', TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER outbox_events_emptied BEFORE UPDATE OF gateway_answer, pruned_by ON outbox_events
    FOR EACH ROW EXECUTE FUNCTION refuse_emptying_of_messages();
CREATE TRIGGER outbox_events_new BEFORE INSERT ON outbox_events FOR EACH ROW
    WHEN (NEW.pruned_by IS NOT NULL)
    EXECUTE FUNCTION refuse_change();
