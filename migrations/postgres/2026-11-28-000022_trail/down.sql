DROP TRIGGER audit_events_whole ON audit_events;
DROP TRIGGER ftps_calls_whole ON ftps_calls;
DROP TRIGGER outbox_events_whole ON outbox_events;

DROP TRIGGER audit_events_new ON audit_events;
DROP TRIGGER audit_events_keep ON audit_events;
DROP TRIGGER audit_events_fixed ON audit_events;
DROP FUNCTION refuse_forged_event;
DROP FUNCTION refuse_removal_of_event;
ALTER TABLE audit_events DROP COLUMN position, DROP COLUMN link;
CREATE TRIGGER audit_events_keep BEFORE DELETE OR UPDATE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

DROP TRIGGER outbox_events_keep ON outbox_events;
DROP TRIGGER outbox_events_fixed ON outbox_events;
DROP TRIGGER outbox_events_emptied ON outbox_events;
DROP FUNCTION refuse_emptying_of_messages;
DROP INDEX outbox_events_answered;
CREATE TRIGGER outbox_events_fixed BEFORE UPDATE OR DELETE ON outbox_events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

DROP TRIGGER ftps_calls_new ON ftps_calls;
DROP TRIGGER ftps_calls_fixed ON ftps_calls;
DROP TRIGGER ftps_calls_emptied ON ftps_calls;
DROP FUNCTION refuse_emptying_of_calls;
DROP INDEX ftps_calls_unpruned;
DROP INDEX ftps_calls_pruned;
ALTER TABLE ftps_calls DROP COLUMN pruned_by, DROP COLUMN payload_digest, DROP COLUMN link;
CREATE TRIGGER ftps_calls_fixed BEFORE UPDATE OF id, instruction_id, call_ref, trigger_word, triggered_by,
    started_at, duration_ms, outcome, message, cause, http_status, applied, run_id ON ftps_calls
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

DROP TABLE prunes;
DROP TABLE call_heads;
DROP TABLE trail_head;
DROP TABLE trail_key;
