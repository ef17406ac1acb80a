-- Texts are found newest first (src/store/search/hits.rs): the index knows of each its trigrams and its
-- era, the 2^20 seconds (some 12 days) in which its instruction was created.

DROP INDEX search_texts_by_trigram;
ALTER TABLE search_texts ADD COLUMN place BIGINT;
UPDATE search_texts SET place = p.place FROM payment_instructions p WHERE p.id = instruction_id;
ALTER TABLE search_texts ALTER COLUMN place SET NOT NULL;

CREATE FUNCTION place_search_text() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT place INTO NEW.place FROM payment_instructions WHERE id = NEW.instruction_id;
    RETURN NEW;
END $$;
CREATE TRIGGER search_texts_placed BEFORE INSERT ON search_texts
    FOR EACH ROW EXECUTE FUNCTION place_search_text();

CREATE FUNCTION move_search_text() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE search_texts SET place = NEW.place WHERE instruction_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER payment_instructions_moved AFTER UPDATE OF created_at ON payment_instructions
    FOR EACH ROW WHEN (OLD.place <> NEW.place) EXECUTE FUNCTION move_search_text();

-- An array of one: PostgreSQL's own GIN takes arrays, and asks for any of many eras at once. The era
-- comes first: the trigrams are then looked up from where it begins.
CREATE INDEX search_texts_by_trigram ON search_texts USING gin ((ARRAY[place >> 50]), text gin_trgm_ops);
