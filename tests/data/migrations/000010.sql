-- Rows as of migration 000010: a run that waited for JIT, and was given up.

INSERT INTO sync_runs (scheduled_for, trigger_word, started_by, state, started_at, worked_at, finished_at, waiting_since)
VALUES (NULL, 'hand', 'chitra', 'interrupted', '2024-03-16 16:30:00', '2024-03-17 00:30:00', '2024-03-17 00:30:00', '2024-03-16 16:30:10');
