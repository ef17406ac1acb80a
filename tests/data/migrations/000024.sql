-- Rows as of migration 000024: an auditor, whose password is for the first sign-in only; and what was done about employees.
INSERT INTO employees (name, role, tenant_id, password_hash, is_disabled, created_at, password_changed_at,
    must_change_password, last_sign_in_at, sign_in_before_at, failures_since, failures_before)
VALUES ('indu', 'auditor', 'od', '«password hash»', FALSE, '2024-03-24 05:00:00', '2024-03-24 05:00:00', TRUE,
    '2024-03-24 06:00:00', '2024-03-24 05:30:00', 2, 1);
INSERT INTO audit_events (at, actor, tenant_id, address, action, subject)
VALUES
    ('2024-03-24 05:00:00', 'operator (command, root)', 'od', NULL, 'user-enabled', 'gone'),
    ('2024-03-24 05:01:00', 'operator (command, root)', 'od', NULL, 'role-changed', 'indu: viewer, now auditor'),
    ('2024-03-24 05:02:00', 'operator (command, root)', 'od', NULL, 'tenant-changed', 'indu: od.jatni, now od'),
    ('2024-03-24 05:03:00', 'operator (command, root)', 'od', NULL, 'password-refused', NULL),
    ('2024-03-24 05:04:00', 'operator (command, root)', 'od', NULL, 'session-ended', NULL);
