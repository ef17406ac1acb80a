-- Rows as of migration 000034, which keeps how many payments are made.
INSERT INTO notes (instruction_id, written_at, person, text)
SELECT id, '2024-04-01 10:00:00', 'asha', 'of 34' FROM payment_instructions WHERE number = 'PI-30/2023-24/000001';
