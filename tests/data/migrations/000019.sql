-- 000019 tells the reason of each message out of its state and sentence; one that is held.
INSERT INTO payment_instructions (number, tenant_id, parent_number, status, is_active, net_paise, bill_numbers, created_at,
    in_process_since, changed_at, completed_at, completed_by, ftps_outcome)
VALUES ('PI-19/2023-24/000001', 'od.jatni', 'PI-1013/2023-24/000112', 'Completed', TRUE, 100, '[]', '2024-03-01 10:00:00',
    '2024-03-01 10:00:00', '2024-03-01 10:00:00', '2024-03-01 10:00:00', 'ftps', 'success');
INSERT INTO beneficiaries (instruction_id, position, payment_id, payment_key, beneficiary_id, name, amount_paise,
    payment_status, utr)
VALUES ((SELECT id FROM payment_instructions WHERE number = 'PI-19/2023-24/000001'), 0, 'BN-19/000001', 'bn-19/000001',
    'person-19', 'Jema Soren', 100, 'Payment Successful', 'RBI32400019');
INSERT INTO search_texts (instruction_id, text)
VALUES ((SELECT id FROM payment_instructions WHERE number = 'PI-19/2023-24/000001'), 'pi-19/2023-24/000001
jema soren');
INSERT INTO outbox_messages (instruction_id, beneficiary_id, tenant_id, person_id, event, amount_paise, utr, state,
    attempts, last_error, created_at, changed_at)
VALUES ((SELECT instruction_id FROM beneficiaries WHERE payment_key = 'bn-19/000001'),
    (SELECT id FROM beneficiaries WHERE payment_key = 'bn-19/000001'), 'od.jatni', 'person-19', 'payment-successful', 100,
    'RBI32400019', 'held', 0, 'RBI''s message about this payment does not begin with “Paid”.', '2024-03-01 10:00:00', '2024-03-01 10:00:00');
