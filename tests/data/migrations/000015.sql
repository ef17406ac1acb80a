-- 000015 brings indexes alone; one row more that each of them holds.
INSERT INTO payment_instructions (number, tenant_id, status, is_active, net_paise, bill_numbers, created_at, changed_at,
    completed_at, completed_by, ftps_bill_reference, ftps_outcome)
VALUES ('PI-15/2023-24/000001', 'od.jatni', 'Completed', TRUE, 100, '[]', '2024-03-01 10:00:00', '2024-03-01 10:00:00',
    '2024-03-01 10:00:00', 'muktasoft', '2024000015', 'none');
