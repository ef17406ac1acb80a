-- Rows as of migration 000018: an original that failed and is to be corrected, a note on it, and that it was written.
INSERT INTO payment_instructions (number, tenant_id, status, is_active, net_paise, bill_numbers, created_at, changed_at,
    completed_at, completed_by, ftps_outcome, unsettled_payments, correction_due_from)
VALUES ('PI-18/2023-24/000001', 'od.jatni', 'Completed', TRUE, 100, '[]', '2024-03-01 10:00:00', '2024-03-01 10:00:00',
    '2024-03-01 10:00:00', 'muktasoft', 'none', 1, '2024-03-01 10:00:00');
INSERT INTO beneficiaries (instruction_id, position, payment_id, payment_key, name, amount_paise, payment_status)
VALUES ((SELECT id FROM payment_instructions WHERE number = 'PI-18/2023-24/000001'), 0, 'BN-18/000001', 'bn-18/000001',
    'Kuni Nayak', 100, 'Payment Failed');
INSERT INTO notes (instruction_id, written_at, person, text)
VALUES ((SELECT id FROM payment_instructions WHERE number = 'PI-18/2023-24/000001'), '2024-03-21 06:00:00', 'chitra',
    'Passbook asked for.');
INSERT INTO audit_events (at, actor, tenant_id, address, action, subject)
VALUES ('2024-03-21 06:00:00', 'chitra', 'od', '192.0.2.8', 'note', 'PI-18/2023-24/000001');
