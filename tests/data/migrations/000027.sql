-- Rows as of migration 000027: an account that nobody used, and one that was let in again.
INSERT INTO employees (name, role, tenant_id, password_hash, is_disabled, created_at, password_changed_at,
    enabled_at, is_dormant)
VALUES
    ('lata', 'viewer', 'od', '«password hash»', TRUE, '2023-03-27 05:00:00', '2023-03-27 05:00:00', NULL, TRUE),
    ('kabir', 'viewer', 'od', '«password hash»', FALSE, '2023-03-27 05:00:00', '2023-03-27 05:00:00',
    '2024-03-27 05:00:00', FALSE);
