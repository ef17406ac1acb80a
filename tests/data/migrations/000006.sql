-- Rows as of migration 000006.

INSERT INTO employees (name, role, tenant_id, password_hash, is_disabled, created_at, password_changed_at, language)
VALUES
    ('ela', 'viewer', 'od', '«password hash»', FALSE, '2024-03-12 05:00:00', '2024-03-12 05:00:00', 'or'),
    ('farah', 'viewer', 'od', '«password hash»', FALSE, '2024-03-12 05:00:00', '2024-03-12 05:00:00', 'hi'),
    ('gita', 'viewer', 'od', '«password hash»', FALSE, '2024-03-12 05:00:00', '2024-03-12 05:00:00', 'en');
