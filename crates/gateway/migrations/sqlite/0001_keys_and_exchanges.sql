-- Client keys: who may call. The key itself is not kept, only its SHA-256: it has 256 random bits,
-- so a slow hash would add nothing.
CREATE TABLE keys (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    hash         BLOB NOT NULL UNIQUE,
    created_ms   INTEGER NOT NULL,
    last_used_ms INTEGER,
    revoked_ms   INTEGER
) STRICT;

-- A name is free again once its key is revoked.
CREATE UNIQUE INDEX keys_living_name ON keys (name) WHERE revoked_ms IS NULL;

-- The request log, without content. `seq` is the order in which exchanges ended, which is what a
-- follower needs: ids are in the order in which they began.
CREATE TABLE exchanges (
    seq                  INTEGER PRIMARY KEY AUTOINCREMENT,
    id                   TEXT NOT NULL UNIQUE,
    started_ms           INTEGER NOT NULL,
    client               TEXT,
    client_key           TEXT,
    session              TEXT,
    dialect_in           TEXT NOT NULL,
    dialect_out          TEXT,
    model_asked          TEXT,
    model_used           TEXT,
    provider             TEXT,
    stream               INTEGER NOT NULL,
    status               INTEGER,
    outcome              TEXT NOT NULL,
    fault_kind           TEXT,
    error_code           TEXT,
    error_message        TEXT,
    queue_us             INTEGER,
    first_byte_us        INTEGER,
    first_event_us       INTEGER,
    total_us             INTEGER NOT NULL,
    input_tokens         INTEGER,
    cached_tokens        INTEGER,
    cache_written_tokens INTEGER,
    output_tokens        INTEGER,
    reasoning_tokens     INTEGER,
    total_tokens         INTEGER,
    notes                TEXT NOT NULL,
    attempts             TEXT NOT NULL,
    request_bytes        INTEGER NOT NULL,
    response_bytes       INTEGER NOT NULL,
    size                 INTEGER NOT NULL
) STRICT;

-- How large the request log is, kept beside it so that the caps cost no scan.
CREATE TABLE exchanges_size (
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    rows  INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) STRICT;

INSERT INTO exchanges_size (only, rows, bytes) VALUES (1, 0, 0);
