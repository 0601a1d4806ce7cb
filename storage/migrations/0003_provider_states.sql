-- How each provider stands, and what the admins were told of it, so that a restart neither repeats nor swallows a notice.
CREATE TABLE provider_states (
    provider     TEXT PRIMARY KEY,
    looked_at    INTEGER NOT NULL,
    balance      INTEGER, -- in the provider's currency
    balance_at   INTEGER,
    contact_at   INTEGER, -- its last usable answer, to whatever was asked
    circuit      TEXT NOT NULL CHECK (circuit IN ('closed', 'open', 'half_open')),
    circuit_at   INTEGER, -- since when it is open, or closed again
    low          INTEGER NOT NULL CHECK (low IN (0, 1)),
    failing      TEXT NOT NULL CHECK (failing IN ('', 'no_contact', 'bad_key', 'barred')),
    failing_at   INTEGER, -- since when
    barred_until INTEGER,
    told_low     INTEGER NOT NULL DEFAULT 0 CHECK (told_low IN (0, 1)),
    told_failing TEXT NOT NULL DEFAULT '' CHECK (told_failing IN ('', 'no_contact', 'bad_key', 'barred')),
    CHECK ((balance IS NULL) = (balance_at IS NULL)),
    CHECK ((failing = '') = (failing_at IS NULL))
);

-- Purchases without an answer at providers that cannot say what they sold: their money is held until the end that a
-- number would have had there. One row for each that the admins were told of.
CREATE TABLE unfindable (
    number_id  INTEGER PRIMARY KEY REFERENCES numbers (id),
    held_until INTEGER NOT NULL,
    found_at   INTEGER NOT NULL
);
