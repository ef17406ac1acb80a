-- The trail is read by person and by what was done, and asked whether a person's opening of an instruction stands in it
-- already.
CREATE INDEX audit_events_by_actor ON audit_events (actor, at);
CREATE INDEX audit_events_by_action ON audit_events (action, id);
