-- The HTTP API: keys that people made, tokens made from keys, and what was done under an Idempotency-Key.

CREATE TABLE api_keys (
    id         INTEGER PRIMARY KEY,
    user_id    INTEGER NOT NULL REFERENCES users (id),
    name       TEXT NOT NULL,
    hint       TEXT NOT NULL,        -- its first letters, by which its owner knows it again
    key_hash   TEXT NOT NULL UNIQUE, -- SHA-256: the key itself is shown once and kept nowhere
    scope      TEXT NOT NULL CHECK (scope IN ('read', 'full')),
    created_at INTEGER NOT NULL,
    used_at    INTEGER,
    revoked_at INTEGER
);
CREATE INDEX api_keys_by_user ON api_keys (user_id, id) WHERE revoked_at IS NULL;

CREATE TABLE api_tokens (
    token_hash TEXT PRIMARY KEY,
    key_id     INTEGER NOT NULL REFERENCES api_keys (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
);
CREATE INDEX api_tokens_by_key ON api_tokens (key_id, created_at);
CREATE INDEX api_tokens_by_expiry ON api_tokens (expires_at);

-- One row for each Idempotency-Key that something was done under: a purchase, a renewal, or what the market refused.
-- Written in the transaction that writes the purchase down, so that a repetition finds either both or neither.
CREATE TABLE idempotency (
    user_id    INTEGER NOT NULL REFERENCES users (id),
    key        TEXT NOT NULL,
    request    TEXT NOT NULL, -- a hash of the call's parameters: the same key with others is a mistake of the caller's
    number_id  INTEGER REFERENCES numbers (id),
    renewal_id INTEGER REFERENCES renewals (id),
    refused    TEXT NOT NULL DEFAULT '' CHECK (refused IN ('', 'no_numbers', 'price_risen')),
    price      INTEGER, -- what it would have cost, where that is why
    created_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, key),
    CHECK ((refused = '') = (number_id IS NOT NULL OR renewal_id IS NOT NULL)),
    CHECK (number_id IS NULL OR renewal_id IS NULL)
);

-- How many SMS there were when another one was last asked for: as long as there are no more, the number waits.
ALTER TABLE numbers ADD COLUMN asked_after INTEGER NOT NULL DEFAULT 0;
CREATE INDEX numbers_by_phone ON numbers (user_id, phone, id) WHERE phone IS NOT NULL;
CREATE INDEX renewals_by_number ON renewals (number_id, id);
