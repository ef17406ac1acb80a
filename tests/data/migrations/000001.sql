-- Rows as of migration 000001. What stands in guillemets is made by tests/all/migrations.rs.

INSERT INTO tenants (id, state) VALUES ('od', 'od'), ('od.jatni', 'od'), ('od.dhenkanal', 'od');

INSERT INTO data_keys (key_id, sealed_check, first_used_at)
VALUES ('«key id»', «key check», '2023-11-01 04:00:00');

INSERT INTO payment_instructions (number, tenant_id, external_id, parent_number, mukta_reference_id, status,
    is_active, gross_paise, net_paise, bill_numbers, head_of_account, master_allotment_id, created_at,
    in_process_since, completed_at, completed_by, changed_at, ftps_outcome, ftps_message, ftps_called_at)
VALUES
    ('PI-1013/2023-24/000112', 'od.jatni', '5d1f-0112', NULL, 'EP/0/2023-24/11/05/000112', 'Completed', TRUE,
        246100, 246100, '["WB/2023-24/000512", "WB/2023-24/000513"]', '221705800100000351201900078', '3362',
        '2023-11-05 05:00:00', '2023-11-05 05:00:00', '2023-11-08 05:00:00', 'muktasoft', '2023-11-08 05:00:00',
        'none', NULL, NULL),
    ('PI-1013/2023-24/000256', 'od.jatni', NULL, 'PI-1013/2023-24/000112', NULL, 'In Process', TRUE, 246100, 246100,
        '["WB/2023-24/000601"]', NULL, NULL, '2024-03-01 05:00:00.123', '2024-03-01 05:00:00.123', NULL, NULL,
        '2024-03-02 05:00:00', 'error', 'On call of FTPS API: Bill is pending', '2024-03-02 05:00:00.5'),
    ('PI-1013/2023-24/000257', 'od.jatni', NULL, 'PI-1013/2023-24/000112', NULL, 'Completed', TRUE, NULL, 123050,
        '["WB/2023-24/000602"]', NULL, NULL, '2024-03-01 05:00:00', '2024-03-01 05:00:00', '2024-03-04 16:30:00', 'ftps',
        '2024-03-04 16:30:00', 'success', 'Payment details are updated.', '2024-03-04 16:30:00'),
    ('PI-1013/2023-24/000258', 'od.jatni', NULL, 'PI-1013/2023-24/000112', NULL, 'In Process', TRUE, NULL, 123050,
        '["WB/2023-24/000603"]', NULL, NULL, '2024-03-02 05:00:00', '2024-03-02 05:00:00', NULL, NULL,
        '2024-03-03 05:00:00', 'no-response', 'No response is received.', '2024-03-03 05:00:00'),
    ('PI-1013/2023-24/000259', 'od.jatni', NULL, 'PI-1013/2023-24/000112', NULL, 'In Process', TRUE, NULL, 123050,
        '["WB/2023-24/000604"]', NULL, NULL, '2024-03-03 05:00:00', '2024-03-03 05:00:00', NULL, NULL,
        '2024-03-03 06:00:00', 'glitch', 'Technical glitch: a beneficiary is missing', '2024-03-03 06:00:00'),
    ('PI-2207/2023-24/000031', 'od.dhenkanal', NULL, NULL, NULL, 'Pending', TRUE, NULL, 77700, '[]', NULL, NULL,
        '2024-02-01 05:00:00', NULL, NULL, NULL, '2024-02-01 05:00:00', 'none', NULL, NULL),
    ('PI-2207/2023-24/000032', 'od.dhenkanal', NULL, NULL, NULL, 'Approved', TRUE, NULL, 77700, '["WB/2023-24/000701"]',
        NULL, NULL, '2024-02-02 05:00:00', NULL, NULL, NULL, '2024-02-02 05:00:00', 'none', NULL, NULL),
    ('PI-2207/2023-24/000033', 'od.dhenkanal', NULL, 'PI-2207/2023-24/000018', NULL, 'Declined', FALSE, NULL, 77700,
        '[]', NULL, NULL, '2024-02-03 05:00:00', NULL, NULL, NULL, '2024-02-03 05:00:00', 'none', NULL, NULL),
    ('PI-2207/2023-24/000034', 'od.dhenkanal', NULL, NULL, NULL, 'Rejected', TRUE, NULL, 77700, '[]', NULL, NULL,
        '2024-02-04 05:00:00', NULL, NULL, NULL, '2024-02-04 05:00:00', 'none', NULL, NULL),
    ('PI-2207/2023-24/000035', 'od.dhenkanal', NULL, NULL, NULL, 'Initiated', TRUE, NULL, 77700, '[]', NULL, NULL,
        '2024-02-05 05:00:00', NULL, NULL, NULL, '2024-02-05 05:00:00', 'none', NULL, NULL);

-- FTPS brought these; and a process that died while it asked left its claim.
UPDATE payment_instructions SET ftps_voucher_number = 'V-77', ftps_voucher_date = '2024-03-03',
    ftps_bill_reference = '202403044120', ftps_token_number = '40257', ftps_token_date = '2024-03-03',
    ftps_payment_status = 'S' WHERE number = 'PI-1013/2023-24/000257';
UPDATE payment_instructions SET lease_token = 'c0ffee', lease_until = '2024-03-03 05:01:00'
    WHERE number = 'PI-1013/2023-24/000258';

INSERT INTO payment_advices (instruction_id, position, bill_reference, financial_year, advice_id, advice_date,
    token_number, token_date)
VALUES ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000112'), 0, '202311033261', '2023-24',
    '601', '2023-11-06', '401', '2023-11-06');

INSERT INTO beneficiaries (instruction_id, position, payment_id, payment_key, beneficiary_id, beneficiary_type, name,
    account_sealed, account_last4, account_hash, ifsc, mobile_sealed, mobile_last4, mobile_hash, amount_paise,
    payment_status, failure_reason, utr, utr_date)
VALUES
    ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000112'), 0, 'BN-1013/000224',
        'bn-1013/000224', 'person-0', 'IND', 'Sabita  Nayak',
        «account PI-1013/2023-24/000112 bn-1013/000224 30131500010224», 'SBIN0012345',
        «mobile PI-1013/2023-24/000112 bn-1013/000224 5550010224», 123050, 'Payment Failed',
        'Account number is invalid or closed', NULL, NULL),
    ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000112'), 1, 'BN-1013/000225',
        'bn-1013/000225', NULL, 'ORG', 'Kalia Construction, Jatni', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 123050,
        'Payment Successful', NULL, 'RBI32300225', '2023-11-08'),
    ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000256'), 0, 'BN-1013/000226',
        'bn-1013/000226', NULL, 'IND', 'ÉLISE Mahapatra',
        «account PI-1013/2023-24/000256 bn-1013/000226 30131500010226», 'SBIN0012345',
        «mobile PI-1013/2023-24/000256 bn-1013/000226 5550010226», 123050, 'Payment In Process', NULL, NULL, NULL),
    ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000256'), 1, 'BN-1013/000227',
        'bn-1013/000227', NULL, 'IND', 'ସବିତା  ନାୟକ', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 123050,
        'Payment In Process', NULL, NULL, NULL),
    ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000257'), 0, 'BN-1013/000228',
        'bn-1013/000228', NULL, 'IND', 'Laxmi   Majhi',
        «account PI-1013/2023-24/000257 bn-1013/000228 60011200040228», 'BARB0JATNIX',
        «mobile PI-1013/2023-24/000257 bn-1013/000228 5550010228», 123050, 'Payment Successful', NULL, 'RBI32400228',
        '2024-03-04'),
    ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000258'), 0, 'BN-1013/000229',
        'bn-1013/000229', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 123050, 'Payment In Process',
        NULL, NULL, NULL),
    ((SELECT id FROM payment_instructions WHERE number = 'PI-2207/2023-24/000031'), 0, 'BN-2207/000001',
        'bn-2207/000001', NULL, 'IND', 'Bikash Behera', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 77700,
        'Payment Pending', NULL, NULL, NULL),
    ((SELECT id FROM payment_instructions WHERE number = 'PI-2207/2023-24/000035'), 0, 'BN-2207/000002',
        'bn-2207/000002', NULL, 'IND', 'Mamata Sahoo', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 77700,
        'Payment Initiated', NULL, NULL, NULL),
    ((SELECT id FROM payment_instructions WHERE number = 'PI-2207/2023-24/000035'), 1, 'BN-2207/000003',
        'bn-2207/000003', NULL, 'IND', 'Left Out Later', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 77700,
        'Payment Initiated', NULL, NULL, NULL);

-- Paid to another account than the registered one, and disputed since.
UPDATE beneficiaries SET other_account_sealed = «other PI-1013/2023-24/000257 bn-1013/000228 70022300051111»,
    other_account_last4 = '1111', other_ifsc = 'BARB0OTHERX', disputed = TRUE, voucher_number = 'V-77',
    voucher_date = '2024-03-03', end_to_end_id = 'E2E-228' WHERE payment_key = 'bn-1013/000228';

-- An import took the newest one away: its id is never given to another.
DELETE FROM beneficiaries WHERE payment_key = 'bn-2207/000003';

INSERT INTO ftps_calls (instruction_id, call_ref, trigger_word, triggered_by, started_at, duration_ms, outcome, message,
    cause, http_status, request_sealed, response_sealed, applied)
VALUES
    ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000256'), 'call-1', 'refresh', 'bina',
        '2024-03-02 05:00:00.5', 812, 'error', 'On call of FTPS API: Bill is pending', NULL, 200,
        «request call-1 {"pmtInstId":"PI-1013/2023-24/000256","benfAcctNo":"30131500010226"}»,
        «response call-1 {"errorMsg":"Bill is pending"}», TRUE),
    ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000258'), 'call-2', 'retry', NULL,
        '2024-03-03 05:00:00', 5001, 'no-response', 'No response is received.', 'the call took longer than 5 s', NULL,
        «request call-2 {"pmtInstId":"PI-1013/2023-24/000258"}», NULL, TRUE),
    ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000259'), 'call-3', 'nightly', NULL,
        '2024-03-03 06:00:00', 97, 'glitch', 'Technical glitch: a beneficiary is missing', NULL, 200,
        «request call-3 {"pmtInstId":"PI-1013/2023-24/000259"}», «response call-3 not base64», TRUE),
    ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000257'), 'call-4', 'command', 'root',
        '2024-03-04 16:30:00', 110, 'success', 'Payment details are updated.', NULL, 200,
        «request call-4 {"pmtInstId":"PI-1013/2023-24/000257"}», «response call-4 {"vchNo":"V-77"}», TRUE),
    ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000257'), 'call-5', 'hand', 'chitra',
        '2024-03-04 16:31:00', 100, 'success', 'Payment details are updated.', NULL, 200,
        «request call-5 {"pmtInstId":"PI-1013/2023-24/000257"}», «response call-5 {"vchNo":"V-77"}», FALSE);
