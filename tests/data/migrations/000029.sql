-- Rows as of migration 000029: an answer of the gateway that was emptied since it was due.

INSERT INTO prunes (at, payloads_before, calls, messages, events, is_open)
VALUES ('2024-03-29 21:30:00', '2024-03-08 05:01:00', 0, 1, 0, TRUE);
UPDATE outbox_events SET gateway_answer = NULL, pruned_by = (SELECT id FROM prunes WHERE is_open)
    WHERE id = (SELECT min(id) FROM outbox_events);
UPDATE prunes SET is_open = FALSE WHERE is_open;
