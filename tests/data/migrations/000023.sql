-- Rows as of migration 000023: a failure of a browser that was known, and failures that are counted.

INSERT INTO sign_in_failures (name_hash, address, failed_at, browser)
VALUES ('5eed', '2001:db8:1:2::/64', '2024-03-23 04:59:00', 'b0b0');
INSERT INTO sign_in_tallies (actor, address, action, tenant_id, began_at, times)
VALUES
    ('unknown name', '2001:db8:1:2::/64', 'sign-in-failed', NULL, '2024-03-23 04:50:00', 57),
    ('bina', '192.0.2.7', 'sign-in-throttled', 'od.jatni', '2024-03-23 04:51:00', 1);
