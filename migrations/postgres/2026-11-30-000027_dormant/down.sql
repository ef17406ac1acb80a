ALTER TABLE employees
    DROP COLUMN is_dormant,
    DROP COLUMN enabled_at;
