-- Rows as of migration 000007.

INSERT INTO payment_instructions (number, tenant_id, status, is_active, net_paise, bill_numbers, created_at, changed_at)
VALUES ('PI-1013/2023-24/000307', 'od.jatni', 'Approved', TRUE, 12300, '["WB/2023-24/000907"]', '2024-03-12 05:00:00', '2024-03-12 05:00:00');
INSERT INTO beneficiaries (instruction_id, position, payment_id, payment_key, name, amount_paise, payment_status)
VALUES ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000307'), 0, 'BN-1013/000307', 'bn-1013/000307', 'Ünal  Das', 12300,
    'Payment Pending');
INSERT INTO search_texts (instruction_id, text)
VALUES ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000307'), 'pi-1013/2023-24/000307
wb/2023-24/000907
ünal das');
