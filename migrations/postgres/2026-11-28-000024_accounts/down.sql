-- An auditor sees no payment instruction: there is no such role any more, and they are shut out.
UPDATE employees SET role = 'viewer', is_disabled = TRUE WHERE role = 'auditor';
ALTER TABLE employees
    DROP COLUMN failures_before,
    DROP COLUMN failures_since,
    DROP COLUMN sign_in_before_at,
    DROP COLUMN last_sign_in_at,
    DROP COLUMN must_change_password,
    DROP CONSTRAINT employees_role_check,
    ADD CONSTRAINT employees_role_check CHECK (role IN ('viewer', 'accountant', 'admin'));

-- Their links are those of the newer words.
ALTER TABLE audit_events DISABLE TRIGGER audit_events_fixed;
UPDATE audit_events SET action = CASE
        WHEN action IN ('user-enabled', 'role-changed', 'tenant-changed') THEN 'user-added'
        WHEN action = 'password-refused' THEN 'sign-in-failed' WHEN action = 'session-ended' THEN 'sign-out'
        ELSE action END
    WHERE action IN ('user-enabled', 'role-changed', 'tenant-changed', 'password-refused', 'session-ended');
ALTER TABLE audit_events
    ENABLE TRIGGER audit_events_fixed,
    DROP CONSTRAINT audit_events_action_check,
    ADD CONSTRAINT audit_events_action_check CHECK (action IN
        ('sign-in', 'sign-in-failed', 'sign-in-throttled', 'sign-out', 'refresh', 'resend', 'run-by-hand',
         'user-added', 'password-changed', 'user-disabled', 'payload-opened', 'settle', 'fetch', 'note'));
