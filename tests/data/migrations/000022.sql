-- Rows as of migration 000022: an event of a command that was run without the data key, and what was pruned.

INSERT INTO audit_events (at, actor, tenant_id, address, action, subject)
VALUES ('2024-03-22 06:00:00', 'operator (command)', 'od.jatni', NULL, 'user-disabled', 'gone');
INSERT INTO prunes (at, payloads_before, events_to, link, last_event_id, calls, messages, events, is_open)
VALUES
    ('2024-03-22 16:30:00', '2023-03-22 16:30:00', NULL, NULL, NULL, 0, 0, 0, FALSE),
    ('2024-03-23 16:30:00', NULL, 0, '', 0, 0, 0, 0, FALSE);
