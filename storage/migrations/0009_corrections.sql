-- What an SMS asks to open, where there is no code; and what people said of the code that was found.
ALTER TABLE sms ADD COLUMN link TEXT;
ALTER TABLE sms ADD COLUMN corrected INTEGER NOT NULL DEFAULT 0;

CREATE TABLE corrections (
    service TEXT NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('another', 'none')),
    many    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (service, verdict)
) STRICT;
