-- Rows as of migration 000028: the openings of one person and day, and a refusal.
INSERT INTO audit_events (at, actor, tenant_id, address, action, subject)
VALUES
    ('2024-03-26 05:00:00', 'operator (command, root)', 'od', NULL, 'pi-opened', 'PI-1013/2023-24/000256'),
    ('2024-03-26 05:01:00', 'operator (command, root)', 'od', NULL, 'refused', 'role: GET /audit');
