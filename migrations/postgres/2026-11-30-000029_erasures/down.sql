DROP TRIGGER outbox_events_new ON outbox_events;
DROP TRIGGER outbox_events_emptied ON outbox_events;
ALTER TABLE outbox_events DROP COLUMN pruned_by;
CREATE OR REPLACE FUNCTION refuse_emptying_of_messages() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF NEW.gateway_answer IS NOT NULL
        OR NOT EXISTS (SELECT 1 FROM prunes WHERE is_open AND OLD.happened_at < payloads_before)
    THEN RAISE EXCEPTION 'table % is append-only', TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER outbox_events_emptied BEFORE UPDATE OF gateway_answer ON outbox_events
    FOR EACH ROW EXECUTE FUNCTION refuse_emptying_of_messages();

ALTER TABLE prunes DROP COLUMN signature;
