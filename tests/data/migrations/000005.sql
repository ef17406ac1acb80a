-- Rows as of migration 000005.

INSERT INTO payment_instructions (number, tenant_id, status, is_active, net_paise, bill_numbers, created_at, changed_at)
VALUES ('PI-1013/2023-24/000305', 'od.jatni', 'Approved', TRUE, 12300, '["WB/2023-24/000905"]', '2024-03-11 05:00:00', '2024-03-11 05:00:00');
INSERT INTO beneficiaries (instruction_id, position, payment_id, payment_key, name, amount_paise, payment_status)
VALUES ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000305'), 0, 'BN-1013/000305', 'bn-1013/000305', 'Çiçek  ØRSTED', 12300,
    'Payment Pending');
INSERT INTO search_texts (instruction_id, text)
VALUES ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000305'), 'pi-1013/2023-24/000305
wb/2023-24/000905
çiçek ørsted');
