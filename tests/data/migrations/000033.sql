-- Rows as of migration 000033, which changes an index alone.
INSERT INTO notes (instruction_id, written_at, person, text)
SELECT id, '2024-04-01 10:00:00', 'asha', 'of 33' FROM payment_instructions WHERE number = 'PI-30/2023-24/000001';
