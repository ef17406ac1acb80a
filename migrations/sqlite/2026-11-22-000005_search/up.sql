-- The list and the search of payment instructions (src/store/search).

ALTER TABLE payment_instructions ADD COLUMN is_revised BOOLEAN
    GENERATED ALWAYS AS (parent_number IS NOT NULL) VIRTUAL;
-- Where it stands among all, by creation: one number to order and to page by. The second of its
-- creation (an import takes years 2000 to 2100), and its row, of which there are less than 2^30.
ALTER TABLE payment_instructions ADD COLUMN place BIGINT
    GENERATED ALWAYS AS (unixepoch(created_at) * 1073741824 + id) VIRTUAL;
-- How soon somebody should look at it: 0 first. NULL unless it waits for action.
ALTER TABLE payment_instructions ADD COLUMN action_rank INTEGER GENERATED ALWAYS AS (
    CASE WHEN status = 'In Process' AND is_active AND parent_number IS NOT NULL THEN
        CASE ftps_outcome WHEN 'error' THEN 0 WHEN 'glitch' THEN 1 WHEN 'no-response' THEN 2 ELSE 3 END
    END) VIRTUAL;

-- Each order of the list, with the columns that its filters look at.
DROP INDEX payment_instructions_by_tenant;
CREATE INDEX payment_instructions_by_place ON payment_instructions (place, tenant_id, is_revised);
CREATE INDEX payment_instructions_by_tenant ON payment_instructions (tenant_id, place, status, is_revised);
CREATE INDEX payment_instructions_by_status ON payment_instructions (status, place, tenant_id, is_revised);
CREATE INDEX payment_instructions_for_action ON payment_instructions (action_rank, place, tenant_id)
    WHERE action_rank IS NOT NULL;

-- What a search looks in: number, bill numbers and names, folded (src/store/search/text.rs), a line each.
CREATE TABLE search_texts (
    instruction_id INTEGER PRIMARY KEY REFERENCES payment_instructions (id),
    text TEXT NOT NULL
);

-- Which texts hold three characters in a row. A row's id is the instruction's place, so that it is
-- read newest first. It narrows a search and holds no positions: the text itself decides.
CREATE VIRTUAL TABLE search_index USING fts5(
    text, content = '', contentless_delete = 1, detail = none, tokenize = 'trigram case_sensitive 1'
);
CREATE TRIGGER search_texts_added AFTER INSERT ON search_texts BEGIN
    INSERT INTO search_index (rowid, text)
        SELECT place, NEW.text FROM payment_instructions WHERE id = NEW.instruction_id;
END;
CREATE TRIGGER search_texts_changed AFTER UPDATE OF text ON search_texts BEGIN
    DELETE FROM search_index
        WHERE rowid = (SELECT place FROM payment_instructions WHERE id = NEW.instruction_id);
    INSERT INTO search_index (rowid, text)
        SELECT place, NEW.text FROM payment_instructions WHERE id = NEW.instruction_id;
END;
CREATE TRIGGER payment_instructions_moved AFTER UPDATE OF created_at ON payment_instructions
WHEN OLD.place <> NEW.place BEGIN
    DELETE FROM search_index WHERE rowid = OLD.place;
    INSERT INTO search_index (rowid, text)
        SELECT NEW.place, text FROM search_texts WHERE instruction_id = NEW.id;
END;

INSERT INTO search_texts (instruction_id, text)
SELECT id, lower(concat_ws(char(10), number,
        (SELECT group_concat(value, char(10)) FROM json_each(bill_numbers)),
        (SELECT group_concat(name, char(10)) FROM beneficiaries WHERE instruction_id = payment_instructions.id)))
    FROM payment_instructions;
