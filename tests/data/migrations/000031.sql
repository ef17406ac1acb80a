-- Rows as of migration 000031: an episode of each kind, told or not, one of them open; what two processes see.
INSERT INTO alert_episodes (kind, since, over_at, told_at, told_over_at) VALUES
    ('night-missing', '2024-03-28 16:30:00', '2024-03-28 18:00:00', '2024-03-28 17:31:00', '2024-03-28 18:01:00'),
    ('night-unasked', '2024-03-28 20:00:00', '2024-03-29 06:00:00', '2024-03-28 20:01:00', '2024-03-29 06:01:00'),
    ('sign-in-refused', '2024-03-28 21:00:00', '2024-03-28 22:00:00', '2024-03-28 21:01:00', '2024-03-28 22:01:00'),
    ('jit-away', '2024-03-28 21:00:00', '2024-03-28 22:00:00', '2024-03-28 21:01:00', '2024-03-28 22:01:00'),
    ('gateway-away', '2024-03-28 21:00:00', '2024-03-28 23:00:00', '2024-03-28 22:01:00', '2024-03-28 23:01:00'),
    ('trail-broken', '2024-03-28 21:00:00', '2024-03-29 21:00:00', '2024-03-28 21:01:00', '2024-03-29 21:01:00');
INSERT INTO alert_episodes (kind, since, attempts, next_attempt_at) VALUES
    ('message-late', '2024-03-29 10:00:00', 2, '2024-03-30 10:01:00');
INSERT INTO alert_reports (program, kind, since, said_at) VALUES
    ('one', 'sign-in-refused', '2024-03-28 21:00:00', '2024-03-28 21:59:00'),
    ('one', 'jit-away', '2024-03-28 21:00:00', '2024-03-28 21:59:00'),
    ('two', 'gateway-away', '2024-03-28 21:00:00', '2024-03-28 22:59:00');
