-- The list in every order that its columns have, its flags as filters, and payment instructions that somebody
-- has asked about from it (src/store/search).

-- How many payments it has, and how many of them failed; which flags are raised (src/store/search/flagged.rs).
-- Kept by the last statement of each transaction that changes anything (src/store/changes.rs).
ALTER TABLE payment_instructions ADD COLUMN payments INTEGER NOT NULL DEFAULT 0;
ALTER TABLE payment_instructions ADD COLUMN failed_payments INTEGER NOT NULL DEFAULT 0;
ALTER TABLE payment_instructions ADD COLUMN flags INTEGER NOT NULL DEFAULT 0;
-- Since when somebody wants JIT asked about it, and who.
ALTER TABLE payment_instructions ADD COLUMN wanted_at TIMESTAMP;
ALTER TABLE payment_instructions ADD COLUMN wanted_by TEXT;

UPDATE payment_instructions SET (payments, failed_payments, flags) = (SELECT count(*),
    count(CASE WHEN b.payment_status = 'Payment Failed' THEN 1 END),
    CASE WHEN count(b.other_account_sealed) > 0 THEN 1 ELSE 0 END
    + CASE WHEN completed_by = 'ftps' AND trim(COALESCE(ftps_payment_status, '')) <> ''
        AND lower(substr(trim(ftps_payment_status), 1, 4)) <> 'paid' THEN 2 ELSE 0 END
    + CASE WHEN count(b.returned_at) > 0 THEN 4 ELSE 0 END
    + CASE WHEN status = 'Completed' AND COALESCE(completed_by, '') <> 'ftps'
        AND count(CASE WHEN b.payment_status NOT IN ('Payment Successful', 'Payment Failed') THEN 1 END) > 0
        THEN 8 ELSE 0 END
    + CASE WHEN count(*) > 0 AND sum(COALESCE(b.told_amount_paise, b.amount_paise)) <> net_paise THEN 16 ELSE 0 END
    + CASE WHEN count(b.told_amount_paise) + count(b.paid_beneficiary_id) + count(CASE WHEN b.disputed THEN 1 END) > 0
        THEN 32 ELSE 0 END
    FROM beneficiaries b WHERE b.instruction_id = payment_instructions.id);

CREATE INDEX payment_instructions_by_bill ON payment_instructions (substr(bill_numbers, 1, 200), place);
CREATE INDEX payment_instructions_by_amount ON payment_instructions (net_paise, place);
CREATE INDEX payment_instructions_by_payments ON payment_instructions (payments, place);
CREATE INDEX payment_instructions_by_message ON payment_instructions (substr(ftps_message, 1, 200), place);
CREATE INDEX payment_instructions_by_call ON payment_instructions (ftps_called_at, place)
    WHERE ftps_called_at IS NOT NULL;
CREATE INDEX payment_instructions_by_age ON payment_instructions (in_process_since, place)
    WHERE action_rank IS NOT NULL;
CREATE INDEX payment_instructions_flagged ON payment_instructions (place, flags, tenant_id) WHERE flags <> 0;
CREATE INDEX payment_instructions_with_failures ON payment_instructions (place, status, tenant_id)
    WHERE failed_payments > 0;
CREATE INDEX payment_instructions_wanted ON payment_instructions (wanted_at, id) WHERE wanted_at IS NOT NULL;
