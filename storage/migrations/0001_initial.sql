-- Times are milliseconds since 1970 UTC. Money is ten-thousandths of the installation's currency.

CREATE TABLE migrations (
    version    INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    applied_at INTEGER NOT NULL
);

-- People ------------------------------------------------------------------------------------------------------

CREATE TABLE users (
    id              INTEGER PRIMARY KEY,
    name            TEXT NOT NULL,
    username        TEXT NOT NULL,
    client_language TEXT NOT NULL,
    chosen_language TEXT NOT NULL DEFAULT '',
    role            TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'guest')),
    removed         INTEGER NOT NULL DEFAULT 0 CHECK (removed IN (0, 1)), -- an open door stays shut to them
    hide_codes      INTEGER NOT NULL DEFAULT 0 CHECK (hide_codes IN (0, 1)),
    created_at      INTEGER NOT NULL
);
CREATE UNIQUE INDEX users_one_owner ON users (role) WHERE role = 'owner';

CREATE TABLE chats (
    id           INTEGER PRIMARY KEY,
    user_id      INTEGER NOT NULL REFERENCES users (id),
    parked_at    INTEGER, -- the bot was blocked there: what is owed waits until they return
    paused_until INTEGER  -- Telegram takes nothing for this chat before then
);

CREATE TABLE invites (
    token_hash TEXT PRIMARY KEY,
    role       TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
    created_by INTEGER REFERENCES users (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_by    INTEGER REFERENCES users (id),
    used_at    INTEGER,
    CHECK ((used_by IS NULL) = (used_at IS NULL))
);

-- Numbers -----------------------------------------------------------------------------------------------------

CREATE TABLE quotes (
    id         TEXT PRIMARY KEY,
    user_id    INTEGER NOT NULL REFERENCES users (id),
    purpose    TEXT NOT NULL CHECK (purpose IN ('buy', 'renew')),
    provider   TEXT NOT NULL,
    service    TEXT NOT NULL,
    country    TEXT NOT NULL,
    operator   TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('activation', 'rental')),
    hours      INTEGER NOT NULL CHECK (hours >= 0),
    cost       INTEGER NOT NULL CHECK (cost >= 0),
    price      INTEGER NOT NULL CHECK (price >= 0),
    cap        INTEGER NOT NULL CHECK (cap >= price), -- the most that was agreed to, from whichever provider
    number_id  INTEGER REFERENCES numbers (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    CHECK ((purpose = 'renew') = (number_id IS NOT NULL))
);
CREATE INDEX quotes_by_expiry ON quotes (expires_at);

CREATE TABLE numbers (
    id              INTEGER PRIMARY KEY,
    user_id         INTEGER NOT NULL REFERENCES users (id),
    quote_id        TEXT NOT NULL UNIQUE, -- a double tap finds the number that the first one made
    provider        TEXT NOT NULL,
    ref             TEXT NOT NULL UNIQUE,
    attempt         INTEGER NOT NULL DEFAULT 1, -- which provider it is that is being asked, counting from 1
    provider_ref    TEXT,
    phone           TEXT,
    service         TEXT NOT NULL,
    country         TEXT NOT NULL,
    operator        TEXT NOT NULL,
    kind            TEXT NOT NULL CHECK (kind IN ('activation', 'rental')),
    state           TEXT NOT NULL
        CHECK (state IN ('buying', 'active', 'cancelling', 'completed', 'cancelled', 'expired', 'failed')),
    reason          TEXT NOT NULL DEFAULT '',
    price           INTEGER NOT NULL CHECK (price >= 0),
    cost            INTEGER NOT NULL CHECK (cost >= 0),
    hours           INTEGER NOT NULL CHECK (hours >= 0),
    test            INTEGER NOT NULL CHECK (test IN (0, 1)),
    created_at      INTEGER NOT NULL,
    changed_at      INTEGER NOT NULL,
    expires_at      INTEGER,
    cancel_from     INTEGER,
    refund_until    INTEGER,
    cancel_sent     INTEGER NOT NULL DEFAULT 0 CHECK (cancel_sent IN (0, 1)),
    sms_count       INTEGER NOT NULL DEFAULT 0,
    check_at        INTEGER, -- when to ask the provider (again) what became of it
    check_attempts  INTEGER NOT NULL DEFAULT 0,
    card_chat_id    INTEGER,
    card_message_id INTEGER,
    closed_at       INTEGER,
    CHECK ((state IN ('buying', 'failed')) = (provider_ref IS NULL)),
    CHECK ((provider_ref IS NULL) = (phone IS NULL) AND (provider_ref IS NULL) = (expires_at IS NULL)),
    CHECK ((state IN ('completed', 'cancelled', 'expired', 'failed')) = (closed_at IS NOT NULL))
);
CREATE UNIQUE INDEX numbers_provider_ref ON numbers (provider, provider_ref) WHERE provider_ref IS NOT NULL;
CREATE INDEX numbers_by_user ON numbers (user_id, id);
CREATE INDEX numbers_by_age ON numbers (user_id, created_at);
CREATE INDEX numbers_open ON numbers (user_id, id) WHERE state IN ('buying', 'active', 'cancelling');
CREATE INDEX numbers_live ON numbers (provider, provider_ref) WHERE state IN ('active', 'cancelling');
CREATE INDEX numbers_live_by_age ON numbers (provider, created_at) WHERE state IN ('active', 'cancelling');
CREATE INDEX numbers_to_expire
    ON numbers (CASE WHEN check_at > expires_at THEN check_at ELSE expires_at END, provider) WHERE state = 'active';
CREATE INDEX numbers_to_check ON numbers (check_at, provider) WHERE state IN ('buying', 'cancelling');

-- The same list stands in bot/domain/numbers.py; a test holds them equal.
CREATE TABLE number_transitions (
    from_state TEXT NOT NULL,
    to_state   TEXT NOT NULL,
    PRIMARY KEY (from_state, to_state)
);
INSERT INTO number_transitions (from_state, to_state) VALUES
    ('buying', 'active'), ('buying', 'failed'),
    ('active', 'cancelling'), ('active', 'completed'), ('active', 'expired'), ('active', 'cancelled'),
    ('cancelling', 'active'), ('cancelling', 'cancelled'), ('cancelling', 'completed'), ('cancelling', 'expired');

CREATE TABLE number_events (
    id         INTEGER PRIMARY KEY,
    number_id  INTEGER NOT NULL REFERENCES numbers (id),
    from_state TEXT,
    to_state   TEXT NOT NULL,
    reason     TEXT NOT NULL,
    at         INTEGER NOT NULL
);
CREATE INDEX number_events_by_number ON number_events (number_id, id);

CREATE TRIGGER numbers_born AFTER INSERT ON numbers BEGIN
    INSERT INTO number_events (number_id, from_state, to_state, reason, at)
    VALUES (NEW.id, NULL, NEW.state, NEW.reason, NEW.changed_at);
END;

CREATE TRIGGER numbers_guard BEFORE UPDATE OF state ON numbers
WHEN OLD.state <> NEW.state AND NOT EXISTS (
    SELECT 1 FROM number_transitions WHERE from_state = OLD.state AND to_state = NEW.state
) BEGIN
    SELECT RAISE(ABORT, 'this transition of a number is not allowed');
END;

CREATE TRIGGER numbers_moved AFTER UPDATE OF state ON numbers WHEN OLD.state <> NEW.state BEGIN
    INSERT INTO number_events (number_id, from_state, to_state, reason, at)
    VALUES (NEW.id, OLD.state, NEW.state, NEW.reason, NEW.changed_at);
END;

CREATE TABLE renewals (
    id              INTEGER PRIMARY KEY,
    number_id       INTEGER NOT NULL REFERENCES numbers (id),
    user_id         INTEGER NOT NULL REFERENCES users (id),
    quote_id        TEXT NOT NULL UNIQUE,
    state           TEXT NOT NULL CHECK (state IN ('pending', 'done', 'failed')),
    reason          TEXT NOT NULL DEFAULT '',
    hours           INTEGER NOT NULL CHECK (hours > 0),
    price           INTEGER NOT NULL CHECK (price >= 0),
    cost            INTEGER NOT NULL CHECK (cost >= 0),
    old_expires_at  INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    check_at        INTEGER,
    check_attempts  INTEGER NOT NULL DEFAULT 0,
    closed_at       INTEGER,
    CHECK ((state = 'pending') = (closed_at IS NULL))
);
CREATE UNIQUE INDEX renewals_one_at_a_time ON renewals (number_id) WHERE state = 'pending';
CREATE INDEX renewals_to_check ON renewals (check_at) WHERE state = 'pending';

-- Sold after its purchase had been given up: to be given back, since nobody asked for it any more.
CREATE TABLE orphans (
    provider       TEXT NOT NULL,
    provider_ref   TEXT NOT NULL,
    number_id      INTEGER NOT NULL REFERENCES numbers (id),
    created_at     INTEGER NOT NULL,
    check_at       INTEGER NOT NULL,
    check_attempts INTEGER NOT NULL DEFAULT 0,
    closed_at      INTEGER,
    outcome        TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (provider, provider_ref)
);
CREATE INDEX orphans_to_check ON orphans (check_at) WHERE closed_at IS NULL;

CREATE TABLE sms (
    id              INTEGER PRIMARY KEY,
    number_id       INTEGER REFERENCES numbers (id), -- NULL while its purchase has not been answered yet
    provider        TEXT NOT NULL,
    provider_ref    TEXT NOT NULL,
    provider_sms_id TEXT NOT NULL,
    sender          TEXT NOT NULL,
    text            TEXT NOT NULL,
    code            TEXT,
    ordinal         INTEGER NOT NULL DEFAULT 0,
    received_at     INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    UNIQUE (provider, provider_ref, provider_sms_id)
);
CREATE INDEX sms_by_number ON sms (number_id, id);
CREATE INDEX sms_unclaimed ON sms (provider, provider_ref) WHERE number_id IS NULL;
CREATE INDEX sms_by_age ON sms (created_at) WHERE text <> '';

-- Money -------------------------------------------------------------------------------------------------------

CREATE TABLE accounts (
    id      TEXT PRIMARY KEY, -- 'operator', 'holds', 'income', 'person:<user id>'
    user_id INTEGER UNIQUE REFERENCES users (id),
    balance INTEGER NOT NULL DEFAULT 0,
    CHECK (balance >= 0 OR id = 'operator')
);
INSERT INTO accounts (id) VALUES ('operator'), ('holds'), ('income');

CREATE TABLE transfers (
    id           TEXT PRIMARY KEY, -- made by the caller and derived ('n17:hold'), so that a retry is a no-op
    kind         TEXT NOT NULL CHECK (kind IN ('credit', 'debit', 'hold', 'capture', 'release', 'refund')),
    from_account TEXT NOT NULL REFERENCES accounts (id),
    to_account   TEXT NOT NULL REFERENCES accounts (id),
    amount       INTEGER NOT NULL CHECK (amount > 0),
    hold_id      TEXT REFERENCES transfers (id),
    number_id    INTEGER REFERENCES numbers (id),
    actor_id     INTEGER,
    reason       TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    CHECK (from_account <> to_account),
    CHECK ((kind IN ('capture', 'release', 'refund')) = (hold_id IS NOT NULL)),
    CHECK (kind <> 'credit' OR (from_account = 'operator' AND to_account NOT IN ('holds', 'income'))),
    CHECK (kind <> 'debit' OR (to_account = 'operator' AND from_account NOT IN ('holds', 'income'))),
    CHECK (kind <> 'hold' OR (to_account = 'holds' AND from_account NOT IN ('operator', 'income'))),
    CHECK (kind NOT IN ('capture', 'release') OR from_account = 'holds'),
    CHECK (kind <> 'capture' OR to_account = 'income'),
    CHECK (kind <> 'refund' OR from_account = 'income')
);
CREATE UNIQUE INDEX transfers_one_resolution ON transfers (hold_id) WHERE kind IN ('capture', 'release');
CREATE UNIQUE INDEX transfers_one_refund ON transfers (hold_id) WHERE kind = 'refund';
CREATE INDEX transfers_by_hold ON transfers (hold_id) WHERE hold_id IS NOT NULL;
CREATE INDEX transfers_out ON transfers (from_account, created_at);
CREATE INDEX transfers_in ON transfers (to_account, created_at);

CREATE TRIGGER transfers_apply AFTER INSERT ON transfers BEGIN
    SELECT RAISE(ABORT, 'a resolution needs its hold, of the same amount and person') WHERE
        NEW.kind IN ('capture', 'release') AND NOT EXISTS (
            SELECT 1 FROM transfers h WHERE h.id = NEW.hold_id AND h.kind = 'hold' AND h.amount = NEW.amount
                AND (NEW.kind = 'capture' OR h.from_account = NEW.to_account));
    SELECT RAISE(ABORT, 'a refund needs a capture of the same amount and person') WHERE
        NEW.kind = 'refund' AND NOT EXISTS (
            SELECT 1 FROM transfers h JOIN transfers c ON c.hold_id = h.id AND c.kind = 'capture'
            WHERE h.id = NEW.hold_id AND h.amount = NEW.amount AND h.from_account = NEW.to_account);
    UPDATE accounts SET balance = balance - NEW.amount WHERE id = NEW.from_account;
    UPDATE accounts SET balance = balance + NEW.amount WHERE id = NEW.to_account;
END;

CREATE TRIGGER transfers_are_final BEFORE UPDATE ON transfers BEGIN
    SELECT RAISE(ABORT, 'transfers are append-only');
END;
CREATE TRIGGER transfers_stay BEFORE DELETE ON transfers BEGIN
    SELECT RAISE(ABORT, 'transfers are append-only');
END;

-- Messages owed -----------------------------------------------------------------------------------------------

CREATE TABLE outbox (
    id              INTEGER PRIMARY KEY,
    key             TEXT NOT NULL UNIQUE, -- 'sms:5', 'card:17': one row per message, however often it is asked for
    chat_id         INTEGER NOT NULL REFERENCES chats (id),
    kind            TEXT NOT NULL CHECK (kind IN ('sms', 'card', 'notice')),
    priority        INTEGER NOT NULL, -- 0 codes, 1 notices, 2 cards
    number_id       INTEGER REFERENCES numbers (id),
    sms_id          INTEGER REFERENCES sms (id),
    notice          TEXT NOT NULL DEFAULT '', -- which notice; its words are chosen when it is sent
    state           TEXT NOT NULL DEFAULT 'pending'
        CHECK (state IN ('pending', 'parked', 'sent', 'unconfirmed', 'refused')),
    generation      INTEGER NOT NULL DEFAULT 1, -- a card asked for again while it is being sent is sent again
    copies          INTEGER NOT NULL DEFAULT 0, -- how many may have reached the chat without our knowing
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    done_at         INTEGER,
    message_id      INTEGER,
    error           TEXT NOT NULL DEFAULT ''
);
CREATE INDEX outbox_owed ON outbox (chat_id, priority, id) WHERE state = 'pending';
CREATE INDEX outbox_due ON outbox (priority, id) WHERE state = 'pending';
CREATE INDEX outbox_parked ON outbox (chat_id) WHERE state = 'parked';
CREATE INDEX outbox_done ON outbox (done_at) WHERE done_at IS NOT NULL;
