-- What each run that has ended came to in each ULB, written when it ends: no page counts its items anew.
CREATE TABLE sync_run_counts (
    run_id BIGINT NOT NULL REFERENCES sync_runs (id),
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    expected BIGINT NOT NULL,
    successful BIGINT NOT NULL,
    errors BIGINT NOT NULL,
    glitches BIGINT NOT NULL,
    no_response BIGINT NOT NULL,
    skipped BIGINT NOT NULL,
    -- What those that were paid came to.
    paid_paise BIGINT NOT NULL,
    PRIMARY KEY (run_id, tenant_id)
);
INSERT INTO sync_run_counts (run_id, tenant_id, expected, successful, errors, glitches, no_response, skipped, paid_paise)
SELECT i.run_id, i.tenant_id, count(*),
    sum(CASE WHEN i.outcome = 'success' THEN 1 ELSE 0 END), sum(CASE WHEN i.outcome = 'error' THEN 1 ELSE 0 END),
    sum(CASE WHEN i.outcome = 'glitch' THEN 1 ELSE 0 END), sum(CASE WHEN i.outcome = 'no-response' THEN 1 ELSE 0 END),
    sum(CASE WHEN i.outcome = 'skipped' THEN 1 ELSE 0 END),
    CAST(sum(CASE WHEN i.outcome = 'success' THEN p.net_paise ELSE 0 END) AS BIGINT)
FROM sync_run_items i JOIN sync_runs r ON r.id = i.run_id JOIN payment_instructions p ON p.id = i.instruction_id
WHERE r.state <> 'running' GROUP BY i.run_id, i.tenant_id;

-- The items of a run are listed by what it brought, and those of one under way are counted by the same index.
DROP INDEX sync_run_items_counted;
CREATE INDEX sync_run_items_counted ON sync_run_items (run_id, outcome, instruction_id, tenant_id);
