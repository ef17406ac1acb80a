-- The language each employee reads the pages in; NULL until they choose one.
ALTER TABLE employees ADD COLUMN language TEXT CHECK (language IN ('en', 'or', 'hi'));
