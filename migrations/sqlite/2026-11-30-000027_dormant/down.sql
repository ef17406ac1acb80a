ALTER TABLE employees DROP COLUMN is_dormant;
ALTER TABLE employees DROP COLUMN enabled_at;
