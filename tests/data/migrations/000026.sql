-- Rows as of migration 000026: somebody with a second factor, one recovery code left and one used; and wrong
-- codes that are counted.
INSERT INTO employees (name, role, tenant_id, password_hash, is_disabled, created_at, password_changed_at,
    second_factor_sealed, second_factor_at, second_factor_step)
VALUES ('jaya', 'admin', 'od', '«password hash»', FALSE, '2024-03-26 05:00:00', '2024-03-26 05:00:00',
    «factor jaya JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP», '2024-03-26 05:10:00', 57047420);
INSERT INTO recovery_codes (employee_id, code_hash, used_at)
SELECT id, 'a hash', NULL FROM employees WHERE name = 'jaya';
INSERT INTO recovery_codes (employee_id, code_hash, used_at)
SELECT id, 'another hash', '2024-03-27 05:00:00' FROM employees WHERE name = 'jaya';
INSERT INTO sign_in_tallies (actor, address, action, tenant_id, began_at, times)
VALUES ('jaya', '192.0.2.7', 'second-factor-refused', 'od', '2024-03-26 05:20:00', 3);
