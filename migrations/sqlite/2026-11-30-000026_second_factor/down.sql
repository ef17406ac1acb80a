-- A tally is of a quarter of an hour; its first event stands in the trail.
DELETE FROM sign_in_tallies WHERE action = 'second-factor-refused';
CREATE TEMPORARY TABLE set_aside AS SELECT * FROM sign_in_tallies;
DROP TABLE sign_in_tallies;
CREATE TABLE sign_in_tallies (
    actor TEXT NOT NULL,
    -- An IPv6 address as its /64.
    address TEXT NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('sign-in-failed', 'sign-in-throttled')),
    tenant_id TEXT,
    began_at TIMESTAMP NOT NULL,
    times BIGINT NOT NULL CHECK (times > 0),
    PRIMARY KEY (actor, address, action)
);
INSERT INTO sign_in_tallies (actor, address, action, tenant_id, began_at, times)
    SELECT actor, address, action, tenant_id, began_at, times FROM set_aside;
DROP TABLE set_aside;
CREATE INDEX sign_in_tallies_by_time ON sign_in_tallies (began_at);

DROP TABLE recovery_codes;
ALTER TABLE employees DROP COLUMN second_factor_step;
ALTER TABLE employees DROP COLUMN second_factor_at;
ALTER TABLE employees DROP COLUMN second_factor_sealed;
