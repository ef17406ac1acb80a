-- Their links are those of the newer words.
ALTER TABLE audit_events DISABLE TRIGGER audit_events_fixed;
UPDATE audit_events SET action = CASE
        WHEN action IN ('pi-opened') THEN 'refresh'
        WHEN action IN ('words-opened', 'people-searched', 'downloaded', 'exported') THEN 'payload-opened'
        WHEN action IN ('imported') THEN 'fetch'
        WHEN action IN ('synced') THEN 'run-by-hand'
        WHEN action IN ('resealed', 'pruned') THEN 'user-added'
        WHEN action IN ('refused', 'second-factor-refused') THEN 'sign-in-failed'
        WHEN action IN ('language-chosen') THEN 'note'
        WHEN action IN ('second-factor-set', 'second-factor-removed', 'second-factor-reset', 'recovery-codes-made') THEN 'password-changed'
        WHEN action IN ('second-factor-given') THEN 'sign-in'
        ELSE action END
    WHERE action IN (
        'pi-opened', 'words-opened', 'people-searched', 'downloaded', 'exported', 'imported', 'synced',
        'resealed', 'pruned', 'refused', 'language-chosen', 'second-factor-set', 'second-factor-removed',
        'second-factor-reset', 'second-factor-given', 'second-factor-refused', 'recovery-codes-made');
ALTER TABLE audit_events
    ENABLE TRIGGER audit_events_fixed,
    DROP CONSTRAINT audit_events_action_check,
    ADD CONSTRAINT audit_events_action_check CHECK (action IN (
        'sign-in', 'sign-in-failed', 'sign-in-throttled', 'sign-out', 'refresh', 'resend', 'run-by-hand',
        'user-added', 'password-changed', 'user-disabled', 'payload-opened', 'settle', 'fetch', 'note',
        'user-enabled', 'role-changed', 'tenant-changed', 'password-refused', 'session-ended'));
