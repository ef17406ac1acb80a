-- Failures to sign in are counted for a name over all addresses too, and for a browser that the name has signed in
-- with before; the audit trail is told of many at once with their number.

-- The browser's number, if the name had signed in there before.
ALTER TABLE sign_in_failures ADD COLUMN browser TEXT;
CREATE INDEX sign_in_failures_by_name ON sign_in_failures (name_hash, failed_at);
CREATE INDEX sign_in_failures_by_time ON sign_in_failures (failed_at);

-- Failures of fifteen minutes that are alike: the first one stands in the audit trail, and how many there were.
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
CREATE INDEX sign_in_tallies_by_time ON sign_in_tallies (began_at);
