-- Rows as of migration 000004.

INSERT INTO payment_instructions (number, tenant_id, parent_number, status, is_active, net_paise, bill_numbers,
    created_at, in_process_since, completed_at, completed_by, changed_at, ftps_outcome, ftps_message, ftps_called_at)
VALUES ('PI-1013/2023-24/000260', 'od.jatni', 'PI-1013/2023-24/000112', 'Completed', TRUE, 400, '["WB/2023-24/000605"]',
    '2024-03-08 05:00:00', '2024-03-08 05:00:00', '2024-03-08 06:00:00', 'ftps', '2024-03-08 06:00:00', 'success',
    'Payment details are updated.', '2024-03-08 06:00:00');

INSERT INTO beneficiaries (instruction_id, position, payment_id, payment_key, name, mobile_sealed, mobile_last4,
    mobile_hash, amount_paise, payment_status, utr)
VALUES
    ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000260'), 0, 'BN-1013/000231',
        'bn-1013/000231', 'Rabindra Pradhan', «mobile PI-1013/2023-24/000260 bn-1013/000231 5550010231», 100,
        'Payment Successful', 'RBI1'),
    ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000260'), 1, 'BN-1013/000232',
        'bn-1013/000232', 'Gopal Jena', «mobile PI-1013/2023-24/000260 bn-1013/000232 5550010232», 100,
        'Payment Successful', 'RBI2'),
    ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000260'), 2, 'BN-1013/000233',
        'bn-1013/000233', 'Anjali Rout', «mobile PI-1013/2023-24/000260 bn-1013/000233 5550010233», 100,
        'Payment Successful', 'RBI3'),
    ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000260'), 3, 'BN-1013/000234',
        'bn-1013/000234', 'Dilip Barik', NULL, NULL, NULL, 100, 'Payment Successful', 'RBI4');

INSERT INTO outbox_messages (instruction_id, beneficiary_id, tenant_id, event, amount_paise, utr, state, attempts,
    next_attempt_at, last_error, gateway_answer, created_at, sent_at, changed_at, lease_token, lease_until)
VALUES
    ((SELECT instruction_id FROM beneficiaries WHERE payment_key = 'bn-1013/000228'),
        (SELECT id FROM beneficiaries WHERE payment_key = 'bn-1013/000228'), 'od.jatni', 'payment-successful', 123050,
        'RBI32400228', 'sent', 2, NULL, NULL, '402,MsgID = 1', '2024-03-08 05:00:00', '2024-03-08 05:05:00',
        '2024-03-08 05:05:00', 'a1', NULL),
    ((SELECT instruction_id FROM beneficiaries WHERE payment_key = 'bn-1013/000231'),
        (SELECT id FROM beneficiaries WHERE payment_key = 'bn-1013/000231'), 'od.jatni', 'payment-successful', 100,
        'RBI1', 'waiting', 1, '2024-03-08 06:01:00', 'HTTP status 503', NULL, '2024-03-08 06:00:00', NULL,
        '2024-03-08 06:00:02', NULL, NULL),
    ((SELECT instruction_id FROM beneficiaries WHERE payment_key = 'bn-1013/000232'),
        (SELECT id FROM beneficiaries WHERE payment_key = 'bn-1013/000232'), 'od.jatni', 'payment-successful', 100,
        'RBI2', 'sending', 1, NULL, NULL, NULL, '2024-03-08 06:00:00', NULL, '2024-03-08 06:00:02', 'a2',
        '2024-03-08 06:00:32'),
    ((SELECT instruction_id FROM beneficiaries WHERE payment_key = 'bn-1013/000233'),
        (SELECT id FROM beneficiaries WHERE payment_key = 'bn-1013/000233'), 'od.jatni', 'payment-successful', 100,
        'RBI3', 'unknown', 1, NULL, 'HTTP status 502', NULL, '2024-03-08 06:00:00', NULL, '2024-03-08 06:00:02', 'a3',
        NULL),
    ((SELECT instruction_id FROM beneficiaries WHERE payment_key = 'bn-1013/000234'),
        (SELECT id FROM beneficiaries WHERE payment_key = 'bn-1013/000234'), 'od.jatni', 'payment-successful', 100,
        'RBI4', 'failed', 0, NULL, 'no mobile number', NULL, '2024-03-08 06:00:00', NULL, '2024-03-08 06:00:00', NULL,
        NULL);

INSERT INTO outbox_events (message_id, happened_at, what, attempt, cause, gateway_answer, person, applied)
VALUES
    (1, '2024-03-08 05:00:02', 'failed', 1, 'the gateway refused', '404', NULL, TRUE),
    (1, '2024-03-08 05:04:00', 'resend', 0, NULL, NULL, 'chitra', TRUE),
    (1, '2024-03-08 05:05:00', 'sent', 2, NULL, '402,MsgID = 1', NULL, TRUE),
    (2, '2024-03-08 06:00:02', 'waiting', 1, 'HTTP status 503', NULL, NULL, TRUE),
    (4, '2024-03-08 06:00:02', 'unknown', 1, 'HTTP status 502', NULL, NULL, TRUE);
