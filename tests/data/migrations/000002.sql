-- Rows as of migration 000002.

INSERT INTO employees (name, role, tenant_id, password_hash, is_disabled, created_at, password_changed_at)
VALUES
    ('bina', 'viewer', 'od.jatni', '«password hash»', FALSE, '2024-01-01 05:00:00', '2024-01-01 05:00:00'),
    ('chitra', 'accountant', 'od', '«password hash»', FALSE, '2024-01-01 05:00:00', '2024-02-01 05:00:00'),
    ('dipti', 'admin', 'od', '«password hash»', FALSE, '2024-01-02 05:00:00', '2024-01-02 05:00:00'),
    ('gone', 'admin', 'od', '«password hash»', TRUE, '2024-01-03 05:00:00', '2024-01-03 05:00:00');

INSERT INTO sessions (key_hash, employee_id, state, created_at, last_seen_at)
VALUES
    ('f00d', (SELECT id FROM employees WHERE name = 'dipti'), '{}', '2024-03-05 05:00:00', '2024-03-05 06:00:00'),
    ('beef', NULL, '{}', '2024-03-05 05:00:00', '2024-03-05 05:00:00');

INSERT INTO sign_in_failures (name_hash, address, failed_at)
VALUES ('5eed', '192.0.2.7', '2024-03-05 04:59:00');

INSERT INTO audit_events (at, actor, tenant_id, address, action, subject)
VALUES
    ('2024-01-01 05:00:00', 'root', NULL, NULL, 'user-added', 'bina'),
    ('2024-02-01 05:00:00', 'root', NULL, NULL, 'password-changed', 'chitra'),
    ('2024-02-02 05:00:00', 'root', NULL, NULL, 'user-disabled', 'gone'),
    ('2024-03-02 04:00:00', 'bina', 'od.jatni', '192.0.2.7', 'sign-in-failed', NULL),
    ('2024-03-02 04:01:00', 'bina', 'od.jatni', '192.0.2.7', 'sign-in-throttled', NULL),
    ('2024-03-02 04:59:00', 'bina', 'od.jatni', '192.0.2.7', 'sign-in', NULL),
    ('2024-03-02 05:00:00', 'bina', 'od.jatni', '192.0.2.7', 'refresh', 'PI-1013/2023-24/000256'),
    ('2024-03-04 16:40:00', 'chitra', 'od', '192.0.2.8', 'resend', 'PI-1013/2023-24/000257'),
    ('2024-03-04 16:45:00', 'dipti', 'od', '192.0.2.9', 'run-by-hand', NULL),
    ('2024-03-05 05:01:00', 'dipti', 'od', '192.0.2.9', 'payload-opened', 'PI-1013/2023-24/000256, call 1'),
    ('2024-03-05 05:59:00', 'chitra', 'od', '192.0.2.8', 'sign-out', NULL);
