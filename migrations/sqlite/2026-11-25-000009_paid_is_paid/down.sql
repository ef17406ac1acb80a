DROP TRIGGER beneficiaries_paid_is_paid;
DROP TRIGGER payment_instructions_paid_is_paid;
CREATE INDEX payment_instructions_waiting ON payment_instructions (id)
    WHERE status = 'In Process' AND is_active AND parent_number IS NOT NULL;
