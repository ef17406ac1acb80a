-- The last net under the money: FTPS completes a payment instruction with every beneficiary paid, by a
-- transaction number, or not at all; and nobody who was not paid joins it afterwards.

CREATE TRIGGER payment_instructions_paid_is_paid BEFORE UPDATE OF status, completed_by ON payment_instructions
WHEN NEW.completed_by = 'ftps' AND OLD.completed_by IS NOT 'ftps' AND (
    NOT EXISTS (SELECT 1 FROM beneficiaries WHERE instruction_id = NEW.id)
    OR EXISTS (SELECT 1 FROM beneficiaries WHERE instruction_id = NEW.id
        AND (payment_status <> 'Payment Successful' OR COALESCE(utr, '') = '')))
BEGIN SELECT RAISE(ABORT, 'a payment instruction that FTPS completes has a beneficiary who was not paid'); END;

CREATE TRIGGER beneficiaries_paid_is_paid BEFORE INSERT ON beneficiaries
WHEN NEW.payment_status <> 'Payment Successful' AND EXISTS (
    SELECT 1 FROM payment_instructions WHERE id = NEW.instruction_id AND completed_by = 'ftps')
BEGIN SELECT RAISE(ABORT, 'a payment instruction that FTPS completed takes in nobody who was not paid'); END;

-- What waits for FTPS is said by `action_rank` alone (000005), whose index is asked.
DROP INDEX payment_instructions_waiting;
