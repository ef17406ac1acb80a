DROP INDEX sync_run_items_counted;
CREATE INDEX sync_run_items_counted ON sync_run_items (run_id, tenant_id, outcome);
DROP TABLE sync_run_counts;
