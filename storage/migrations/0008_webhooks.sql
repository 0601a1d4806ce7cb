-- What programs are told of: written in the transaction of its cause, once (key), with the number as it was then.
CREATE TABLE events (
    id           INTEGER PRIMARY KEY AUTOINCREMENT, -- receivers know an event by it, so that none is ever used again
    key          TEXT NOT NULL UNIQUE,
    user_id      INTEGER NOT NULL REFERENCES users (id),
    type         TEXT NOT NULL CHECK (type IN ('sms.received', 'number.active', 'number.completed', 'number.expiring',
                                               'number.renewed', 'webhook.test')),
    number_id    INTEGER REFERENCES numbers (id),
    sms_id       INTEGER REFERENCES sms (id),
    state        TEXT,
    sms_count    INTEGER,
    asked_after  INTEGER,
    expires_at   INTEGER,
    cancel_from  INTEGER,
    refund_until INTEGER,
    closed_at    INTEGER,
    renewing     INTEGER CHECK (renewing IN (0, 1)),
    charged      INTEGER CHECK (charged IN (0, 1)), -- NULL: no money was set aside for it
    created_at   INTEGER NOT NULL,
    CHECK ((type = 'webhook.test') = (number_id IS NULL)),
    CHECK ((type = 'sms.received') = (sms_id IS NOT NULL)),
    CHECK ((number_id IS NULL) = (state IS NULL))
);
CREATE INDEX events_by_user ON events (user_id, id);
CREATE INDEX events_by_age ON events (created_at);
CREATE INDEX numbers_to_warn ON numbers (expires_at) WHERE kind = 'rental' AND state = 'active';

CREATE TABLE webhooks (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id          INTEGER NOT NULL REFERENCES users (id),
    slot             INTEGER NOT NULL CHECK (slot BETWEEN 1 AND 5), -- so many a person may have
    url              TEXT NOT NULL,
    topics           TEXT NOT NULL, -- types of events, with a space on both sides of each
    secret           TEXT NOT NULL,
    old_secret       TEXT NOT NULL DEFAULT '',
    old_secret_until INTEGER NOT NULL DEFAULT 0,
    off              TEXT NOT NULL DEFAULT '' CHECK (off IN ('', 'owner', 'failing', 'gone')),
    failing_since    INTEGER,
    created_at       INTEGER NOT NULL,
    UNIQUE (user_id, slot)
);

CREATE TABLE webhook_deliveries (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id       INTEGER NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event_id         INTEGER NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    number_id        INTEGER, -- the line that it stands in: those of one number go in their order
    progress         TEXT NOT NULL DEFAULT 'pending' CHECK (progress IN ('pending', 'delivered', 'failed')),
    attempts         INTEGER NOT NULL DEFAULT 0,
    first_attempt_at INTEGER,
    next_attempt_at  INTEGER NOT NULL, -- as late as that of the first in its line, so that nothing is due in vain
    done_at          INTEGER,
    status           INTEGER,
    error            TEXT NOT NULL DEFAULT '',
    UNIQUE (webhook_id, event_id),
    CHECK ((progress = 'pending') = (done_at IS NULL)),
    CHECK ((attempts = 0) = (first_attempt_at IS NULL))
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_attempt_at, webhook_id) WHERE progress = 'pending';
CREATE INDEX webhook_deliveries_line ON webhook_deliveries (webhook_id, number_id, event_id)
    WHERE progress = 'pending';
CREATE INDEX webhook_deliveries_owed ON webhook_deliveries (webhook_id, event_id) WHERE progress = 'pending';
CREATE INDEX webhook_deliveries_failed ON webhook_deliveries (webhook_id, event_id) WHERE progress = 'failed';
CREATE INDEX webhook_deliveries_by_event ON webhook_deliveries (event_id);

-- To every address that wants it, in the transaction of the event.
CREATE TRIGGER events_fan_out AFTER INSERT ON events BEGIN
    INSERT INTO webhook_deliveries (webhook_id, event_id, number_id, next_attempt_at)
    SELECT w.id, NEW.id, NEW.number_id, coalesce(
        (SELECT d.next_attempt_at FROM webhook_deliveries d
         WHERE d.webhook_id = w.id AND d.number_id = NEW.number_id AND d.progress = 'pending'
         ORDER BY d.event_id LIMIT 1), NEW.created_at)
    FROM webhooks w JOIN users u ON u.id = w.user_id AND u.role <> 'guest'
    WHERE w.user_id = NEW.user_id AND w.off = '' AND instr(w.topics, ' ' || NEW.type || ' ') > 0;
END;
