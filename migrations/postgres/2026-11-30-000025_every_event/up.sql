-- Each change of state, each reading of many and each refusal leaves an event: the words for them.
ALTER TABLE audit_events
    DROP CONSTRAINT audit_events_action_check,
    ADD CONSTRAINT audit_events_action_check CHECK (action IN (
        'sign-in', 'sign-in-failed', 'sign-in-throttled', 'sign-out', 'refresh', 'resend', 'run-by-hand',
        'user-added', 'password-changed', 'user-disabled', 'payload-opened', 'settle', 'fetch', 'note',
        'user-enabled', 'role-changed', 'tenant-changed', 'password-refused', 'session-ended', 'pi-opened',
        'words-opened', 'people-searched', 'downloaded', 'exported', 'imported', 'synced', 'resealed',
        'pruned', 'refused', 'language-chosen', 'second-factor-set', 'second-factor-removed',
        'second-factor-reset', 'second-factor-given', 'second-factor-refused', 'recovery-codes-made'));
