DROP TRIGGER beneficiaries_paid_is_paid ON beneficiaries;
DROP FUNCTION joins_only_if_paid;
DROP TRIGGER payment_instructions_paid_is_paid ON payment_instructions;
DROP FUNCTION paid_is_paid;
