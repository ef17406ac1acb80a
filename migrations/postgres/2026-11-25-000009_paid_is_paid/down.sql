DROP TRIGGER beneficiaries_paid_is_paid ON beneficiaries;
DROP FUNCTION joins_only_if_paid;
DROP TRIGGER payment_instructions_paid_is_paid ON payment_instructions;
DROP FUNCTION paid_is_paid;
CREATE INDEX payment_instructions_waiting ON payment_instructions (id)
    WHERE status = 'In Process' AND is_active AND parent_number IS NOT NULL;
