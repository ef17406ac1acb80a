-- How the search texts are folded (src/store/refolding.rs): when the program folds in another way than
-- this says, it folds them all again at start.
CREATE TABLE search_folding (
    -- There is one row.
    id INTEGER PRIMARY KEY CHECK (id = 1),
    -- The version of the program's folding; 0 is that of 000005, which SQL did.
    version INTEGER NOT NULL,
    -- The texts of instructions up to this id are folded so; NULL: all are.
    folded_to BIGINT
);
INSERT INTO search_folding (id, version, folded_to) VALUES (1, 0, 0);
