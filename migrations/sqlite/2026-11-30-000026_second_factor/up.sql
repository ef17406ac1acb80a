-- Second factors: the sealed secret of a person's app, since when they have it, and the step of the last code that
-- was accepted, so that none is accepted twice; and recovery codes.
ALTER TABLE employees ADD COLUMN second_factor_sealed BLOB;
ALTER TABLE employees ADD COLUMN second_factor_at TIMESTAMP
    CHECK ((second_factor_at IS NULL) = (second_factor_sealed IS NULL));
ALTER TABLE employees ADD COLUMN second_factor_step BIGINT
    CHECK ((second_factor_step IS NULL) = (second_factor_sealed IS NULL));

CREATE TABLE recovery_codes (
    employee_id BIGINT NOT NULL REFERENCES employees (id),
    -- HMAC-SHA-256, whose key is the secret that is sealed above.
    code_hash TEXT NOT NULL,
    used_at TIMESTAMP,
    PRIMARY KEY (employee_id, code_hash)
);

-- Wrong codes are told like failed sign-ins: as few events, with their number.
CREATE TEMPORARY TABLE set_aside AS SELECT * FROM sign_in_tallies;
DROP TABLE sign_in_tallies;
CREATE TABLE sign_in_tallies (
    actor TEXT NOT NULL,
    -- An IPv6 address as its /64.
    address TEXT NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('sign-in-failed', 'sign-in-throttled', 'second-factor-refused')),
    tenant_id TEXT,
    began_at TIMESTAMP NOT NULL,
    times BIGINT NOT NULL CHECK (times > 0),
    PRIMARY KEY (actor, address, action)
);
INSERT INTO sign_in_tallies (actor, address, action, tenant_id, began_at, times)
    SELECT actor, address, action, tenant_id, began_at, times FROM set_aside;
DROP TABLE set_aside;
CREATE INDEX sign_in_tallies_by_time ON sign_in_tallies (began_at);
