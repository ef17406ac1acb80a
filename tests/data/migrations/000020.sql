-- Rows as of migration 000020: a night that has ended, with its counts.
INSERT INTO sync_runs (scheduled_for, trigger_word, started_by, state, started_at, worked_at, finished_at)
VALUES ('2024-03-08 16:30:00', 'nightly', NULL, 'finished', '2024-03-08 16:30:01', '2024-03-08 16:31:00',
    '2024-03-08 16:31:00');
INSERT INTO sync_run_items (run_id, instruction_id, tenant_id, outcome)
VALUES ((SELECT id FROM sync_runs WHERE scheduled_for = '2024-03-08 16:30:00'),
    (SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000256'), 'od.jatni', 'error');
INSERT INTO sync_run_counts (run_id, tenant_id, expected, successful, errors, glitches, no_response, skipped, paid_paise)
VALUES ((SELECT id FROM sync_runs WHERE scheduled_for = '2024-03-08 16:30:00'), 'od.jatni', 1, 0, 1, 0, 0, 0, 0);
