-- Rows as of migration 000030: a copy that was restored, a payment instruction that was In Process then, and a message
-- that is held for it.
INSERT INTO restorations (backed_up_at, opened_at) VALUES ('2024-03-29 20:00:00', '2024-03-30 04:00:00');
INSERT INTO payment_instructions (number, tenant_id, parent_number, status, is_active, net_paise, bill_numbers, created_at,
    in_process_since, changed_at, completed_at, completed_by, ftps_outcome)
VALUES ('PI-30/2023-24/000001', 'od.jatni', 'PI-1013/2023-24/000112', 'Completed', TRUE, 100, '[]', '2024-03-01 10:00:00',
    '2024-03-01 10:00:00', '2024-03-30 10:00:00', '2024-03-30 10:00:00', 'ftps', 'success');
INSERT INTO beneficiaries (instruction_id, position, payment_id, payment_key, beneficiary_id, name, amount_paise,
    payment_status, utr)
VALUES ((SELECT id FROM payment_instructions WHERE number = 'PI-30/2023-24/000001'), 0, 'BN-30/000001', 'bn-30/000001',
    'person-30', 'Mali Hansda', 100, 'Payment Successful', 'RBI32400030');
INSERT INTO search_texts (instruction_id, text)
VALUES ((SELECT id FROM payment_instructions WHERE number = 'PI-30/2023-24/000001'), 'pi-30/2023-24/000001
mali hansda');
INSERT INTO restored_instructions (instruction_id)
VALUES ((SELECT id FROM payment_instructions WHERE number = 'PI-30/2023-24/000001'));
INSERT INTO outbox_messages (instruction_id, beneficiary_id, tenant_id, person_id, event, amount_paise, utr, state,
    attempts, last_error, created_at, changed_at)
VALUES ((SELECT instruction_id FROM beneficiaries WHERE payment_key = 'bn-30/000001'),
    (SELECT id FROM beneficiaries WHERE payment_key = 'bn-30/000001'), 'od.jatni', 'person-30', 'payment-successful', 100,
    'RBI32400030', 'held', 0, 'The data here was restored from a backup, so whether this message was sent already is not known.',
    '2024-03-30 10:00:00', '2024-03-30 10:00:00');
