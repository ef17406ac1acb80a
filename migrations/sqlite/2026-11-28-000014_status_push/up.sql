-- What goes back to MUKTASoft (docs/INTEGRATION.md): how far it has been told, and what it refused. What is
-- still to be told is no table of its own: it is what changed after that point.

CREATE TABLE status_push (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    -- Told up to this pair, in the order of (change_number, id) of payment_instructions.
    change_number BIGINT NOT NULL,
    instruction_id BIGINT NOT NULL,
    -- When the point came there; NULL before the first.
    told_at TIMESTAMP,

    -- Since when the next one waits to be told again, after how many attempts, why, and until when.
    waiting_since TIMESTAMP,
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    http_status INTEGER,
    cause TEXT,
    next_attempt_at TIMESTAMP,

    -- Who is telling, and until when that claim holds.
    lease_token TEXT,
    lease_until TIMESTAMP,

    CHECK ((waiting_since IS NULL) = (next_attempt_at IS NULL)),
    CHECK ((waiting_since IS NULL) = (attempts = 0)),
    CHECK ((lease_token IS NULL) = (lease_until IS NULL))
);
INSERT INTO status_push (one, change_number, instruction_id, attempts) VALUES (1, 0, 0, 0);

CREATE TABLE status_refusals (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    instruction_id BIGINT NOT NULL REFERENCES payment_instructions (id),
    -- Of the change that was refused.
    change_number BIGINT NOT NULL,
    refused_at TIMESTAMP NOT NULL,
    http_status INTEGER NOT NULL,
    -- The first words of the answer, long numbers masked.
    answer TEXT,
    UNIQUE (instruction_id, change_number)
);
