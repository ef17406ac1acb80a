-- Rows as of migration 000009: one that FTPS completed, and everybody in it paid.

INSERT INTO payment_instructions (number, tenant_id, parent_number, status, is_active, net_paise, bill_numbers, created_at,
    in_process_since, changed_at)
VALUES ('PI-1013/2023-24/000309', 'od.jatni', 'PI-1013/2023-24/000112', 'In Process', TRUE, 12300, '["WB/2023-24/000909"]',
    '2024-03-14 05:00:00', '2024-03-14 05:00:00', '2024-03-14 05:00:00');
INSERT INTO beneficiaries (instruction_id, position, payment_id, payment_key, name, amount_paise, payment_status)
VALUES ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000309'), 0, 'BN-1013/000309', 'bn-1013/000309', 'ÎLE  Patra', 12300,
    'Payment In Process');
INSERT INTO search_texts (instruction_id, text)
VALUES ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000309'), 'pi-1013/2023-24/000309
wb/2023-24/000909
île patra');
UPDATE beneficiaries SET payment_status = 'Payment Successful', utr = 'RBI32400309' WHERE payment_key = 'bn-1013/000309';
UPDATE payment_instructions SET status = 'Completed', completed_by = 'ftps', completed_at = '2024-03-15 16:30:00',
    ftps_outcome = 'success', ftps_message = 'On call of FTPS API: Response is received and updated successfully',
    ftps_called_at = '2024-03-15 16:30:00' WHERE number = 'PI-1013/2023-24/000309';
