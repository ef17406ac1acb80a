-- Accounts that nobody has used for long are disabled (DORMANT_DAYS).
ALTER TABLE employees
    -- Since when an account that was disabled may be used again.
    ADD COLUMN enabled_at TIMESTAMP,
    -- It was disabled since nobody had used it.
    ADD COLUMN is_dormant BOOLEAN NOT NULL DEFAULT FALSE;
