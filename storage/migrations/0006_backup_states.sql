-- How the last automatic backup went, and what the admins were told of it. One row.
CREATE TABLE backup_states (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    failing TEXT NOT NULL CHECK (failing IN ('', 'disk_full', 'no_place', 'damaged', 'failed')),
    since   INTEGER NOT NULL,
    told    TEXT NOT NULL DEFAULT '' CHECK (told IN ('', 'disk_full', 'no_place', 'damaged', 'failed'))
);
INSERT INTO backup_states (id, failing, since) VALUES (1, '', 0);
