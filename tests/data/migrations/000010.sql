-- Rows as of migration 000010: a run that waited for JIT and was given up; a claim whose process died, and what the
-- log has of such ones; an instruction about which JIT cannot be asked.

INSERT INTO sync_runs (scheduled_for, trigger_word, started_by, state, started_at, worked_at, finished_at, waiting_since)
VALUES (NULL, 'hand', 'chitra', 'interrupted', '2024-03-16 16:30:00', '2024-03-17 00:30:00', '2024-03-17 00:30:00', '2024-03-16 16:30:10');

INSERT INTO ftps_calls (instruction_id, call_ref, trigger_word, triggered_by, started_at, duration_ms, outcome, message,
    cause, http_status, request_sealed, response_sealed, applied, run_id)
VALUES
    ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000258'), 'call-10-1', 'nightly', NULL,
        '2024-03-16 16:30:02', 0, 'unknown', 'On call of FTPS API: The program stopped while JIT was being asked, so what JIT answered is not known.',
        NULL, NULL, NULL, NULL, FALSE, 1),
    ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000259'), 'call-10-2', 'refresh', 'chitra',
        '2024-03-16 17:00:00', 0, 'not-sent', 'On call of FTPS API: The original payment instruction is not known here, so JIT cannot be asked.',
        NULL, NULL, NULL, NULL, TRUE, NULL);

UPDATE payment_instructions SET lease_token = 'of-the-dead', lease_until = '2024-03-16 18:02:00',
    lease_started_at = '2024-03-16 18:00:00', lease_trigger = 'hand', lease_by = 'chitra', lease_run_id = 1
    WHERE number = 'PI-1013/2023-24/000258';
UPDATE payment_instructions SET cannot_ask = TRUE WHERE number = 'PI-1013/2023-24/000259';
