-- A tally is of a quarter of an hour; its first event stands in the trail.
DELETE FROM sign_in_tallies WHERE action = 'second-factor-refused';
ALTER TABLE sign_in_tallies
    DROP CONSTRAINT sign_in_tallies_action_check,
    ADD CONSTRAINT sign_in_tallies_action_check CHECK (action IN ('sign-in-failed', 'sign-in-throttled'));

DROP TABLE recovery_codes;
ALTER TABLE employees
    DROP CONSTRAINT employees_second_factor_step_check,
    DROP CONSTRAINT employees_second_factor_at_check,
    DROP COLUMN second_factor_step,
    DROP COLUMN second_factor_at,
    DROP COLUMN second_factor_sealed;
