-- Payment instructions, the people in them, and every call of FTPS.
-- Instants are UTC; money is integer paise; sealed columns are AES-256-GCM (src/sealing.rs).

CREATE TABLE tenants (
    id TEXT PRIMARY KEY CHECK (id <> ''),
    -- The part before the first dot: `od` of `od.jatni`.
    state TEXT NOT NULL CHECK (state <> '')
);

-- Which data keys this database has been written with: a key that opens none of these does not fit.
CREATE TABLE data_keys (
    key_id TEXT PRIMARY KEY,
    sealed_check BLOB NOT NULL,
    first_used_at TIMESTAMP NOT NULL
);

CREATE TABLE payment_instructions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    number TEXT NOT NULL UNIQUE CHECK (number <> ''),
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    external_id TEXT,
    parent_number TEXT CHECK (parent_number <> ''),
    mukta_reference_id TEXT,
    status TEXT NOT NULL CHECK (status IN
        ('Pending', 'Declined', 'Initiated', 'Rejected', 'Approved', 'In Process', 'Completed')),
    is_active BOOLEAN NOT NULL,
    gross_paise BIGINT CHECK (gross_paise >= 0),
    net_paise BIGINT NOT NULL CHECK (net_paise >= 0),
    bill_numbers TEXT NOT NULL,
    head_of_account TEXT,
    master_allotment_id TEXT,
    created_at TIMESTAMP NOT NULL,
    in_process_since TIMESTAMP,
    completed_at TIMESTAMP,
    completed_by TEXT CHECK (completed_by IN ('ftps', 'muktasoft')),
    changed_at TIMESTAMP NOT NULL,

    -- What FTPS said last, and what it brought when the instruction was paid.
    ftps_outcome TEXT NOT NULL DEFAULT 'none'
        CHECK (ftps_outcome IN ('none', 'no-response', 'error', 'glitch', 'success')),
    ftps_message TEXT,
    ftps_called_at TIMESTAMP,
    ftps_voucher_number TEXT,
    ftps_voucher_date TEXT,
    ftps_bill_reference TEXT,
    ftps_token_number TEXT,
    ftps_token_date TEXT,
    ftps_payment_status TEXT,

    -- Who is asking JIT about it at this moment, and until when that claim holds.
    lease_token TEXT,
    lease_until TIMESTAMP,

    CHECK ((lease_token IS NULL) = (lease_until IS NULL)),
    CHECK (status <> 'In Process' OR in_process_since IS NOT NULL),
    CHECK (status = 'Completed' OR (completed_by IS NULL AND completed_at IS NULL)),
    CHECK (ftps_outcome <> 'success' OR status = 'Completed')
);
CREATE INDEX payment_instructions_by_tenant ON payment_instructions (tenant_id, created_at, id);
CREATE INDEX payment_instructions_by_parent ON payment_instructions (parent_number);
CREATE INDEX payment_instructions_by_change ON payment_instructions (changed_at, id);
CREATE INDEX payment_instructions_waiting ON payment_instructions (id)
    WHERE status = 'In Process' AND is_active AND parent_number IS NOT NULL;

CREATE TABLE payment_advices (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    instruction_id BIGINT NOT NULL REFERENCES payment_instructions (id),
    position INTEGER NOT NULL,
    bill_reference TEXT,
    financial_year TEXT,
    advice_id TEXT,
    advice_date TEXT,
    token_number TEXT,
    token_date TEXT,
    UNIQUE (instruction_id, position)
);

CREATE TABLE beneficiaries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    instruction_id BIGINT NOT NULL REFERENCES payment_instructions (id),
    position INTEGER NOT NULL,
    payment_id TEXT NOT NULL CHECK (payment_id <> ''),
    -- The payment ID in lower case: JIT is not particular about case.
    payment_key TEXT NOT NULL CHECK (payment_key <> ''),
    beneficiary_id TEXT,
    beneficiary_type TEXT,
    name TEXT,
    account_sealed BLOB,
    account_last4 TEXT,
    account_hash TEXT,
    ifsc TEXT,
    mobile_sealed BLOB,
    mobile_last4 TEXT,
    mobile_hash TEXT,
    amount_paise BIGINT NOT NULL CHECK (amount_paise >= 0),
    payment_status TEXT NOT NULL CHECK (payment_status IN
        ('Payment Pending', 'Payment Initiated', 'Payment In Process', 'Payment Successful', 'Payment Failed')),
    failure_reason TEXT,
    utr TEXT,
    utr_date TEXT,
    end_to_end_id TEXT,
    voucher_number TEXT,
    voucher_date TEXT,
    -- What was paid where it differs from what is registered.
    other_account_sealed BLOB,
    other_account_last4 TEXT,
    other_ifsc TEXT,
    -- MUKTASoft reported Payment Failed of a payment that FTPS reported paid.
    disputed BOOLEAN NOT NULL DEFAULT 0,
    UNIQUE (instruction_id, payment_key),
    CHECK ((account_sealed IS NULL) = (account_hash IS NULL)),
    CHECK ((mobile_sealed IS NULL) = (mobile_hash IS NULL))
);

CREATE TABLE ftps_calls (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    instruction_id BIGINT NOT NULL REFERENCES payment_instructions (id),
    -- Drawn when the call is made: a call is never stored twice.
    call_ref TEXT NOT NULL UNIQUE,
    trigger_word TEXT NOT NULL CHECK (trigger_word IN ('refresh', 'nightly', 'retry', 'command', 'hand')),
    triggered_by TEXT,
    started_at TIMESTAMP NOT NULL,
    duration_ms BIGINT NOT NULL CHECK (duration_ms >= 0),
    outcome TEXT NOT NULL CHECK (outcome IN ('no-response', 'error', 'glitch', 'success')),
    message TEXT NOT NULL,
    cause TEXT,
    http_status INTEGER,
    request_sealed BLOB,
    response_sealed BLOB,
    -- Whether the instruction was brought up to date by it: not, if another call held the claim.
    applied BOOLEAN NOT NULL
);
CREATE INDEX ftps_calls_by_instruction ON ftps_calls (instruction_id, id);

-- The call log is append-only: a row is never deleted, and only its sealing may change.
CREATE TRIGGER ftps_calls_keep BEFORE DELETE ON ftps_calls
BEGIN SELECT RAISE(ABORT, 'the call log is append-only'); END;
CREATE TRIGGER ftps_calls_fixed BEFORE UPDATE OF id, instruction_id, call_ref, trigger_word, triggered_by,
    started_at, duration_ms, outcome, message, cause, http_status, applied ON ftps_calls
BEGIN SELECT RAISE(ABORT, 'the call log is append-only'); END;
