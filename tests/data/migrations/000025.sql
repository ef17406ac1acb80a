-- Rows as of migration 000025: one event of each new word.
INSERT INTO audit_events (at, actor, tenant_id, address, action, subject)
VALUES
    ('2024-03-25 05:00:00', 'operator (command, root)', 'od', NULL, 'pi-opened', NULL),
    ('2024-03-25 05:01:00', 'operator (command, root)', 'od', NULL, 'words-opened', NULL),
    ('2024-03-25 05:02:00', 'operator (command, root)', 'od', NULL, 'people-searched', NULL),
    ('2024-03-25 05:03:00', 'operator (command, root)', 'od', NULL, 'downloaded', NULL),
    ('2024-03-25 05:04:00', 'operator (command, root)', 'od', NULL, 'exported', NULL),
    ('2024-03-25 05:05:00', 'operator (command, root)', 'od', NULL, 'imported', NULL),
    ('2024-03-25 05:06:00', 'operator (command, root)', 'od', NULL, 'synced', NULL),
    ('2024-03-25 05:07:00', 'operator (command, root)', 'od', NULL, 'resealed', NULL),
    ('2024-03-25 05:08:00', 'operator (command, root)', 'od', NULL, 'pruned', NULL),
    ('2024-03-25 05:09:00', 'operator (command, root)', 'od', NULL, 'refused', NULL),
    ('2024-03-25 05:10:00', 'operator (command, root)', 'od', NULL, 'language-chosen', NULL),
    ('2024-03-25 05:11:00', 'operator (command, root)', 'od', NULL, 'second-factor-set', NULL),
    ('2024-03-25 05:12:00', 'operator (command, root)', 'od', NULL, 'second-factor-removed', NULL),
    ('2024-03-25 05:13:00', 'operator (command, root)', 'od', NULL, 'second-factor-reset', NULL),
    ('2024-03-25 05:14:00', 'operator (command, root)', 'od', NULL, 'second-factor-given', NULL),
    ('2024-03-25 05:15:00', 'operator (command, root)', 'od', NULL, 'second-factor-refused', NULL),
    ('2024-03-25 05:16:00', 'operator (command, root)', 'od', NULL, 'recovery-codes-made', NULL);
