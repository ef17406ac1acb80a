-- 000017: one that somebody wants asked about, and one whose net amount is not the sum of its payments.
INSERT INTO payment_instructions (number, tenant_id, parent_number, status, is_active, net_paise, bill_numbers, created_at,
    changed_at, in_process_since, wanted_at, wanted_by, payments, flags)
VALUES ('PI-17/2023-24/000001', 'od.jatni', 'PI-15/2023-24/000001', 'In Process', TRUE, 100, '["WB/17"]',
    '2024-03-01 10:00:00', '2024-03-01 10:00:00', '2024-03-01 10:00:00', '2024-03-02 10:00:00', 'asha', 0, 16);
