-- What the operator's receiver is told of (ALERT_WEBHOOK_URL): episodes of what is amiss, and what each process sees in
-- its own memory alone.

CREATE TABLE alert_episodes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('night-missing', 'night-unasked', 'sign-in-refused', 'jit-away', 'gateway-away',
        'message-late', 'trail-broken')),
    since TIMESTAMP NOT NULL,
    -- When it was seen to be over.
    over_at TIMESTAMP,
    -- When the receiver took that it began, and that it is over.
    told_at TIMESTAMP,
    told_over_at TIMESTAMP,
    -- How often what is to be told next was tried in vain, and when it is tried again.
    attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_attempt_at TIMESTAMP,
    -- Who is telling, and until when that claim holds.
    lease_token TEXT,
    lease_until TIMESTAMP,
    CHECK ((lease_token IS NULL) = (lease_until IS NULL)),
    CHECK (told_over_at IS NULL OR (told_at IS NOT NULL AND over_at IS NOT NULL))
);
-- Of each kind one at a time, whichever process sees it.
CREATE UNIQUE INDEX alert_episodes_open ON alert_episodes (kind) WHERE over_at IS NULL;
CREATE INDEX alert_episodes_untold ON alert_episodes (id) WHERE told_over_at IS NULL;

CREATE TABLE alert_reports (
    -- A process, by a token of its own.
    program TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('sign-in-refused', 'jit-away', 'gateway-away')),
    since TIMESTAMP NOT NULL,
    said_at TIMESTAMP NOT NULL,
    PRIMARY KEY (program, kind)
);
