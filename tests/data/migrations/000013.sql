-- Rows as of migration 000013: pulls with every word there is, what they brought, and what was left out.

INSERT INTO pull_lease (one, token, until) VALUES (1, 'gone', '2024-03-19 05:00:00');
INSERT INTO pulls (trigger_word, began_at, ended_at, failure, failure_detail)
VALUES
    ('timer', '2024-03-19 04:00:00', '2024-03-19 04:00:09', NULL, NULL),
    ('night', '2024-03-19 16:30:00', '2024-03-19 16:30:02', 'token-refused', 'HTTP status 401'),
    ('command', '2024-03-20 04:00:00', '2024-03-20 04:10:00', 'time-over', NULL),
    ('sync', '2024-03-20 04:20:00', '2024-03-20 04:21:00', 'not-answered', 'HTTP status 503'),
    ('timer', '2024-03-20 04:30:00', '2024-03-20 04:30:01', 'refused', 'HTTP status 400: no criteria'),
    ('timer', '2024-03-20 04:45:00', '2024-03-20 04:45:01', 'not-read', 'this is not JSON'),
    ('timer', '2024-03-20 05:00:00', '2024-03-20 05:00:01', 'no-tenants', NULL),
    ('timer', '2024-03-20 05:15:00', '2024-03-20 05:15:01', 'database', 'database is locked'),
    ('timer', '2024-03-20 05:30:00', '2024-03-20 05:45:00', 'cut-off', NULL);
INSERT INTO pull_counts (pull_id, tenant_id, created, updated, unchanged, left_out)
VALUES (1, 'od.jatni', 2, 1, 40, 1), (1, 'od.dhenkanal', 0, 0, 12, 0), (9, 'od.jatni', 0, 0, 43, 1);
INSERT INTO pull_notes (pull_id, tenant_id, kind, subject, detail)
VALUES
    (1, 'od.jatni', 'changed-while-read', NULL, NULL),
    (9, NULL, 'service-away', 'bank accounts', 'HTTP status 503'),
    (9, 'od.jatni', 'not-given', 'PI-1013/2023-24/000999', NULL),
    (9, 'od.jatni', 'other-given', 'PI-1013/2023-24/000998', NULL),
    (9, 'od.dhenkanal', 'not-fetched', 'PI-2207/2023-24/000997', 'HTTP status 503');
INSERT INTO pull_faults (tenant_id, number, path, problem, since, seen_at)
VALUES
    ('od.jatni', 'PI-1013/2023-24/000401', 'paymentInstructions[3].beneficiaryDetails[0].amount',
        'is not an amount such as 1230.50', '2024-03-19 04:00:00', '2024-03-20 05:30:00'),
    ('od.jatni', NULL, 'paymentInstructions[4]', 'must be an object', '2024-03-19 04:00:00', '2024-03-20 05:30:00');
INSERT INTO people_owed (number) VALUES ('pi-1013/2023-24/000256');
INSERT INTO audit_events (at, actor, tenant_id, address, action, subject)
VALUES ('2024-03-20 06:00:00', 'chitra', 'od', '192.0.2.8', 'fetch', 'PI-1013/2023-24/000402');
