-- Rows as of migration 000012: one that FTPS completed, of which a payment came back and another is told with another
-- amount and person since; and one that was declined, with the treasury's reason.

INSERT INTO payment_instructions (number, tenant_id, parent_number, status, is_active, net_paise, bill_numbers, created_at,
    in_process_since, changed_at, modified_at, told_status, change_number)
VALUES ('PI-1013/2023-24/000312', 'od.jatni', 'PI-1013/2023-24/000112', 'In Process', TRUE, 300, '["WB/2023-24/000912"]',
    '2024-03-17 05:00:00', '2024-03-17 05:00:00', '2024-03-17 05:00:00', '2024-03-17 05:00:00', 'INITIATED', 2);
INSERT INTO beneficiaries (instruction_id, position, payment_id, payment_key, beneficiary_id, name, amount_paise,
    payment_status)
VALUES
    ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000312'), 0, 'BN-1013/000313', 'bn-1013/000313', 'person-313',
        'Mamata Rout', 100, 'Payment In Process'),
    ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000312'), 1, 'BN-1013/000314', 'bn-1013/000314', 'person-315',
        'Ganga Jena', 200, 'Payment In Process');
INSERT INTO search_texts (instruction_id, text)
VALUES ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000312'), 'pi-1013/2023-24/000312
wb/2023-24/000912
mamata rout
ganga jena');
UPDATE beneficiaries SET payment_status = 'Payment Successful', utr = 'RBI32400312'
    WHERE payment_key IN ('bn-1013/000313', 'bn-1013/000314');
UPDATE payment_instructions SET status = 'Completed', completed_by = 'ftps', completed_at = '2024-03-18 16:30:00',
    ftps_outcome = 'success', ftps_message = 'On call of FTPS API: Response is received and updated successfully',
    ftps_called_at = '2024-03-18 16:30:00' WHERE number = 'PI-1013/2023-24/000312';
UPDATE beneficiaries SET payment_status = 'Payment Failed', failure_reason = 'Account does not exist.',
    returned_at = '2024-03-20 05:00:00' WHERE payment_key = 'bn-1013/000313';
UPDATE beneficiaries SET told_amount_paise = 250, paid_beneficiary_id = 'person-314' WHERE payment_key = 'bn-1013/000314';
UPDATE payment_instructions SET unsettled_payments = 1, told_status = 'PARTIAL', change_number = 3,
    modified_at = '2024-03-20 05:00:00' WHERE number = 'PI-1013/2023-24/000312';

INSERT INTO payment_instructions (number, tenant_id, parent_number, status, is_active, net_paise, bill_numbers, created_at,
    changed_at, told_status, error_response, change_number)
VALUES ('PI-1013/2023-24/000313', 'od.jatni', 'PI-1013/2023-24/000112', 'Declined', TRUE, 100, '["WB/2023-24/000913"]',
    '2024-03-17 06:00:00', '2024-03-17 06:00:00', 'DECLINED', 'Insufficient Fund', 4);
INSERT INTO beneficiaries (instruction_id, position, payment_id, payment_key, name, amount_paise, payment_status)
VALUES ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000313'), 0, 'BN-1013/000315', 'bn-1013/000315',
    'Jhunu Sahu', 100, 'Payment Pending');
INSERT INTO search_texts (instruction_id, text)
VALUES ((SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000313'), 'pi-1013/2023-24/000313
wb/2023-24/000913
jhunu sahu');
UPDATE change_counter SET latest = 4;
