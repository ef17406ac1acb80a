-- The last net under the money: FTPS completes a payment instruction with every beneficiary paid, by a
-- transaction number, or not at all; and nobody who was not paid joins it afterwards. Looked at when a
-- transaction commits; whoever brings a beneficiary in waits for who is completing the instruction.

CREATE FUNCTION paid_is_paid() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM beneficiaries WHERE instruction_id = NEW.id)
        OR EXISTS (SELECT 1 FROM beneficiaries WHERE instruction_id = NEW.id
            AND (payment_status <> 'Payment Successful' OR COALESCE(utr, '') = '')) THEN
        RAISE EXCEPTION 'a payment instruction that FTPS completes has a beneficiary who was not paid'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER payment_instructions_paid_is_paid AFTER UPDATE OF status, completed_by
    ON payment_instructions DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.completed_by = 'ftps' AND OLD.completed_by IS DISTINCT FROM 'ftps')
    EXECUTE FUNCTION paid_is_paid();

CREATE FUNCTION joins_only_if_paid() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM payment_instructions
        WHERE id IN (SELECT instruction_id FROM joined WHERE payment_status <> 'Payment Successful')
        ORDER BY number FOR NO KEY UPDATE;
    IF EXISTS (SELECT 1 FROM joined j JOIN payment_instructions p ON p.id = j.instruction_id
            WHERE j.payment_status <> 'Payment Successful' AND p.completed_by = 'ftps') THEN
        RAISE EXCEPTION 'a payment instruction that FTPS completed takes in nobody who was not paid'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER beneficiaries_paid_is_paid AFTER INSERT ON beneficiaries REFERENCING NEW TABLE AS joined
    FOR EACH STATEMENT EXECUTE FUNCTION joins_only_if_paid();

-- What waits for FTPS is said by `action_rank` alone (000005), whose index is asked.
DROP INDEX payment_instructions_waiting;
