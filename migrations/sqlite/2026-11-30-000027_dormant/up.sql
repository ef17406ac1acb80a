-- Accounts that nobody has used for long are disabled (DORMANT_DAYS).
-- Since when an account that was disabled may be used again.
ALTER TABLE employees ADD COLUMN enabled_at TIMESTAMP;
-- It was disabled since nobody had used it.
ALTER TABLE employees ADD COLUMN is_dormant BOOLEAN NOT NULL DEFAULT 0;
