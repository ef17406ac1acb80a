ALTER TABLE sync_runs DROP COLUMN waiting_since;
