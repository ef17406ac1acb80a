-- Rows as of migration 000008.

INSERT INTO payment_instructions (number, tenant_id, status, is_active, net_paise, bill_numbers, created_at, changed_at)
VALUES ('PI-1013/2023-24/000308', 'od.jatni', 'Approved', TRUE, 12300, '["WB/2023-24/000908"]', '2024-03-13 05:00:00', '2024-03-13 05:00:00');
INSERT INTO beneficiaries (instruction_id, position, payment_id, payment_key, name, amount_paise, payment_status)
VALUES ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000308'), 0, 'BN-1013/000308', 'bn-1013/000308', 'ÖZGE  Sethi', 12300,
    'Payment Pending');
INSERT INTO search_texts (instruction_id, text)
VALUES ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000308'), 'pi-1013/2023-24/000308
wb/2023-24/000908
özge sethi');
