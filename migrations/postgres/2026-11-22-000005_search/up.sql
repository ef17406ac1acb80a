-- The list and the search of payment instructions (src/store/search).

-- A trusted extension: the owner of the database may create it, if the server has it (Debian's
-- `postgresql` brings it).
CREATE EXTENSION IF NOT EXISTS pg_trgm;

ALTER TABLE payment_instructions
    ADD COLUMN is_revised BOOLEAN GENERATED ALWAYS AS (parent_number IS NOT NULL) STORED,
    -- Where it stands among all, by creation: one number to order and to page by. The second of its
    -- creation (an import takes years 2000 to 2100), and its row, of which there are less than 2^30.
    ADD COLUMN place BIGINT
        GENERATED ALWAYS AS (floor(extract(epoch FROM created_at))::BIGINT * 1073741824 + id) STORED,
    -- How soon somebody should look at it: 0 first. NULL unless it waits for action.
    ADD COLUMN action_rank INTEGER GENERATED ALWAYS AS (
        CASE WHEN status = 'In Process' AND is_active AND parent_number IS NOT NULL THEN
            CASE ftps_outcome WHEN 'error' THEN 0 WHEN 'glitch' THEN 1 WHEN 'no-response' THEN 2 ELSE 3 END
        END) STORED;

-- Each order of the list, with the columns that its filters look at.
DROP INDEX payment_instructions_by_tenant;
CREATE INDEX payment_instructions_by_place ON payment_instructions (place, tenant_id, is_revised)
    INCLUDE (id);
CREATE INDEX payment_instructions_by_tenant ON payment_instructions (tenant_id, place, status, is_revised)
    INCLUDE (id);
CREATE INDEX payment_instructions_by_status ON payment_instructions (status, place, tenant_id, is_revised)
    INCLUDE (id);
CREATE INDEX payment_instructions_for_action ON payment_instructions (action_rank, place, tenant_id)
    INCLUDE (id) WHERE action_rank IS NOT NULL;

-- What a search looks in: number, bill numbers and names, folded (src/store/search/text.rs), a line each.
CREATE TABLE search_texts (
    instruction_id BIGINT PRIMARY KEY REFERENCES payment_instructions (id),
    text TEXT COLLATE "C" NOT NULL
);
INSERT INTO search_texts (instruction_id, text)
SELECT id, lower(concat_ws(E'\n', number,
        (SELECT string_agg(value, E'\n') FROM jsonb_array_elements_text(bill_numbers::JSONB)),
        (SELECT string_agg(name, E'\n') FROM beneficiaries WHERE instruction_id = payment_instructions.id))
        COLLATE "default")
    FROM payment_instructions;
CREATE INDEX search_texts_by_trigram ON search_texts USING gin (text gin_trgm_ops);
