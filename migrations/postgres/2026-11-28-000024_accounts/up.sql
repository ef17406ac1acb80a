-- Accounts: the role of an auditor, passwords that are for the first sign-in only, the sign-ins before, and what
-- is done about employees.
ALTER TABLE employees
    DROP CONSTRAINT employees_role_check,
    ADD CONSTRAINT employees_role_check CHECK (role IN ('viewer', 'accountant', 'admin', 'auditor')),
    -- Somebody else knows the password: it is for the first sign-in only.
    ADD COLUMN must_change_password BOOLEAN NOT NULL DEFAULT FALSE,
    -- The last sign-in, and the one before it.
    ADD COLUMN last_sign_in_at TIMESTAMP,
    ADD COLUMN sign_in_before_at TIMESTAMP,
    -- Failures since the last sign-in, and between the two.
    ADD COLUMN failures_since BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN failures_before BIGINT NOT NULL DEFAULT 0;
UPDATE employees SET last_sign_in_at = signed_in.at
    FROM (SELECT actor, max(at) AS at FROM audit_events WHERE action = 'sign-in' GROUP BY actor) signed_in
    WHERE signed_in.actor = employees.name;

ALTER TABLE audit_events
    DROP CONSTRAINT audit_events_action_check,
    ADD CONSTRAINT audit_events_action_check CHECK (action IN
        ('sign-in', 'sign-in-failed', 'sign-in-throttled', 'sign-out', 'refresh', 'resend', 'run-by-hand',
         'user-added', 'password-changed', 'user-disabled', 'payload-opened', 'settle', 'fetch', 'note', 'user-enabled',
         'role-changed', 'tenant-changed', 'password-refused', 'session-ended'));
