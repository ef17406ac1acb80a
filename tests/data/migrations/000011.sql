-- Rows as of migration 000011: a message that is held, and one that a person settled.

INSERT INTO payment_instructions (number, tenant_id, parent_number, status, is_active, net_paise, bill_numbers, created_at,
    in_process_since, changed_at)
VALUES ('PI-1013/2023-24/000311', 'od.jatni', 'PI-1013/2023-24/000112', 'In Process', TRUE, 300, '["WB/2023-24/000911"]',
    '2024-03-16 05:00:00', '2024-03-16 05:00:00', '2024-03-16 05:00:00');
INSERT INTO beneficiaries (instruction_id, position, payment_id, payment_key, beneficiary_id, name, mobile_sealed,
    mobile_last4, mobile_hash, amount_paise, payment_status)
VALUES
    ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000311'), 0, 'BN-1013/000311', 'bn-1013/000311', 'person-311',
        'Kuni Mallick', «mobile PI-1013/2023-24/000311 bn-1013/000311 7550010311», 100, 'Payment In Process'),
    ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000311'), 1, 'BN-1013/000312', 'bn-1013/000312', 'person-312',
        'Hari Swain', NULL, NULL, NULL, 200, 'Payment In Process');
INSERT INTO search_texts (instruction_id, text)
VALUES ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000311'), 'pi-1013/2023-24/000311
wb/2023-24/000911
kuni mallick
hari swain');
UPDATE beneficiaries SET payment_status = 'Payment Successful', utr = 'RBI32400311'
    WHERE payment_key IN ('bn-1013/000311', 'bn-1013/000312');
UPDATE payment_instructions SET status = 'Completed', completed_by = 'ftps', completed_at = '2024-03-17 16:30:00',
    ftps_outcome = 'success', ftps_message = 'On call of FTPS API: Response is received and updated successfully',
    ftps_called_at = '2024-03-17 16:30:00' WHERE number = 'PI-1013/2023-24/000311';

INSERT INTO outbox_messages (instruction_id, beneficiary_id, tenant_id, person_id, event, amount_paise, utr, state,
    attempts, last_error, created_at, changed_at)
VALUES
    ((SELECT instruction_id FROM beneficiaries WHERE payment_key = 'bn-1013/000311'),
        (SELECT id FROM beneficiaries WHERE payment_key = 'bn-1013/000311'), 'od.jatni', 'person-311',
        'payment-successful', 100, 'RBI32400311', 'held', 0, 'paid to another account', '2024-03-17 16:30:00',
        '2024-03-17 16:30:00'),
    ((SELECT instruction_id FROM beneficiaries WHERE payment_key = 'bn-1013/000312'),
        (SELECT id FROM beneficiaries WHERE payment_key = 'bn-1013/000312'), 'od.jatni', 'person-312',
        'payment-successful', 200, 'RBI32400311', 'settled', 0, 'no mobile number', '2024-03-17 16:30:00',
        '2024-03-18 05:00:00');
INSERT INTO outbox_events (message_id, happened_at, what, attempt, cause, gateway_answer, person, note, applied)
VALUES
    ((SELECT max(id) - 1 FROM outbox_messages), '2024-03-17 16:30:00', 'held', 0, 'paid to another account', NULL, NULL,
        NULL, TRUE),
    ((SELECT max(id) FROM outbox_messages), '2024-03-17 16:30:00', 'failed', 0, 'no mobile number', NULL, NULL, NULL,
        TRUE),
    ((SELECT max(id) FROM outbox_messages), '2024-03-17 17:00:00', 'renewed', 0, NULL, NULL, NULL, NULL, TRUE),
    ((SELECT max(id) FROM outbox_messages), '2024-03-18 05:00:00', 'settle', 0, NULL, NULL, 'chitra', 'Told in person.',
        TRUE);
INSERT INTO audit_events (at, actor, tenant_id, address, action, subject)
VALUES ('2024-03-18 05:00:00', 'chitra', 'od', '192.0.2.8', 'settle', 'BN-1013/000312 of PI-1013/2023-24/000311');
