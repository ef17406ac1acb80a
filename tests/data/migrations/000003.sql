-- Rows as of migration 000003.

INSERT INTO sync_runs (scheduled_for, trigger_word, started_by, state, started_at, worked_at, finished_at)
VALUES
    ('2024-03-05 16:30:00', 'nightly', NULL, 'finished', '2024-03-05 16:30:01', '2024-03-05 16:31:00',
        '2024-03-05 16:31:00'),
    ('2024-03-06 16:30:00', 'made-up', NULL, 'finished', '2024-03-07 03:00:00', '2024-03-07 03:00:05',
        '2024-03-07 03:00:05'),
    (NULL, 'command', 'root', 'interrupted', '2024-03-07 05:00:00', '2024-03-07 05:00:10', '2024-03-07 05:02:00'),
    (NULL, 'hand', 'dipti', 'running', '2024-03-07 06:00:00', '2024-03-07 06:00:10', NULL);

INSERT INTO sync_run_items (run_id, instruction_id, tenant_id, outcome)
VALUES
    (1, (SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000256'), 'od.jatni', 'error'),
    (1, (SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000258'), 'od.jatni', 'no-response'),
    (1, (SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000259'), 'od.jatni', 'glitch'),
    (2, (SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000257'), 'od.jatni', 'success'),
    (3, (SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000257'), 'od.jatni', 'skipped'),
    (4, (SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000256'), 'od.jatni', NULL);

INSERT INTO program_state (name, noted_at) VALUES ('nights watched since', '2024-03-05 04:00:00');

INSERT INTO ftps_calls (instruction_id, call_ref, trigger_word, triggered_by, started_at, duration_ms, outcome, message,
    cause, http_status, request_sealed, response_sealed, applied, run_id)
VALUES
    ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000258'), 'call-6', 'nightly', NULL,
        '2024-03-05 16:30:02', 5001, 'no-response', 'No response is received.', 'connection reset', NULL,
        «request call-6 {"pmtInstId":"PI-1013/2023-24/000258"}», NULL, TRUE, 1);

UPDATE payment_instructions SET next_attempt_at = '2024-03-05 16:31:07', unanswered_attempts = 2
    WHERE number = 'PI-1013/2023-24/000258';
