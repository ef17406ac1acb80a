-- Since when a run under way waits for a JIT that cannot be reached; NULL while it does not.
ALTER TABLE sync_runs ADD COLUMN waiting_since TIMESTAMP;
