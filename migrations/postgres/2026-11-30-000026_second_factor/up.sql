-- Second factors: the sealed secret of a person's app, since when they have it, and the step of the last code that
-- was accepted, so that none is accepted twice; and recovery codes.
ALTER TABLE employees
    ADD COLUMN second_factor_sealed BYTEA,
    ADD COLUMN second_factor_at TIMESTAMP,
    ADD COLUMN second_factor_step BIGINT,
    ADD CONSTRAINT employees_second_factor_at_check
        CHECK ((second_factor_at IS NULL) = (second_factor_sealed IS NULL)),
    ADD CONSTRAINT employees_second_factor_step_check
        CHECK ((second_factor_step IS NULL) = (second_factor_sealed IS NULL));

CREATE TABLE recovery_codes (
    employee_id BIGINT NOT NULL REFERENCES employees (id),
    -- HMAC-SHA-256, whose key is the secret that is sealed above.
    code_hash TEXT NOT NULL,
    used_at TIMESTAMP,
    PRIMARY KEY (employee_id, code_hash)
);

-- Wrong codes are told like failed sign-ins: as few events, with their number.
ALTER TABLE sign_in_tallies
    DROP CONSTRAINT sign_in_tallies_action_check,
    ADD CONSTRAINT sign_in_tallies_action_check CHECK (action IN ('sign-in-failed', 'sign-in-throttled', 'second-factor-refused'));
