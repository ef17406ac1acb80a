-- Rows as of migration 000014: told up to a change, a later one waits for MUKTASoft, whoever told last has died;
-- and two that it refused, of which one has changed since.

UPDATE status_push SET change_number = 3, instruction_id = (SELECT id FROM payment_instructions
        WHERE number = 'PI-1013/2023-24/000312'), told_at = '2024-03-20 05:00:02',
    waiting_since = '2024-03-20 05:00:04', attempts = 3, http_status = 503, next_attempt_at = '2024-03-20 05:00:19',
    lease_token = 'of-the-dead', lease_until = '2024-03-20 05:00:34';

INSERT INTO status_refusals (instruction_id, change_number, refused_at, http_status, answer)
VALUES
    ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000312'), 3, '2024-03-20 05:00:02', 422,
        '{"message":"account •••• 0226 is not known"}'),
    ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000313'), 2, '2024-03-20 05:00:01', 400, NULL);
