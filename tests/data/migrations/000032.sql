-- Rows as of migration 000032: a call that was made in a request.
INSERT INTO ftps_calls (instruction_id, call_ref, trigger_word, triggered_by, started_at, duration_ms, outcome, message,
    applied, link, payload_digest, request_id)
SELECT p.id, 'call-of-32', 'refresh', 'asha', '2024-03-30 09:59:59', 420, 'success',
    'On call of FTPS API: Response is received and updated successfully', TRUE, h.link, h.link, '4bf92f3577b34da6'
FROM payment_instructions p, trail_head h WHERE p.number = 'PI-30/2023-24/000001';
