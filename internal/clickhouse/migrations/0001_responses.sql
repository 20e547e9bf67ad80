-- What was accepted: one row for each record of each node's log. The record's place
-- in the log leads the key, so the parts of one block after the other do not overlap
-- and FINAL has little to merge; the submission stands in the key too, so that a node
-- that begins a new log under an old number replaces nothing.
CREATE TABLE IF NOT EXISTS responses
(
    wave          String,
    node          UInt16,
    seq           UInt64,
    submission_id UUID,
    revision      UInt32,
    survey        LowCardinality(String),
    version       LowCardinality(String),
    case_id       String,
    mode          LowCardinality(String),
    lang          LowCardinality(String),
    started       DateTime64(3, 'UTC'),
    finished      DateTime64(3, 'UTC'),
    received      DateTime64(3, 'UTC'),
    body_hash     FixedString(32),
    check_number  UInt64,
    answers       Map(LowCardinality(String), Array(String))
)
ENGINE = ReplacingMergeTree
PARTITION BY wave
ORDER BY (wave, node, seq, submission_id, revision)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 10000
