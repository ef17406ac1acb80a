DROP INDEX search_texts_by_trigram;
CREATE INDEX search_texts_by_trigram ON search_texts USING gin (text gin_trgm_ops);
DROP TRIGGER payment_instructions_moved ON payment_instructions;
DROP FUNCTION move_search_text;
DROP TRIGGER search_texts_placed ON search_texts;
DROP FUNCTION place_search_text;
ALTER TABLE search_texts DROP COLUMN place;
