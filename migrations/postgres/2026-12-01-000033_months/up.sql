-- What a month comes to is read from the index alone: by whom it was completed, of which town, how much and how many.
DROP INDEX payment_instructions_completed;
CREATE INDEX payment_instructions_completed
    ON payment_instructions (completed_at, completed_by, tenant_id, net_paise, payments, flags)
    WHERE completed_at IS NOT NULL;
