-- What the fieldwork says of the cases: the final disposition with the letters of its
-- class, the number of eligible persons of the household where one was selected, and
-- whether the interview counts. The rows of one set carry the digest of its content, and
-- are in use when standing_sets names that digest.
CREATE TABLE IF NOT EXISTS standings
(
    wave        String,
    digest      String,
    case_id     String,
    disposition LowCardinality(String),
    class       LowCardinality(String),
    eligible    UInt8,
    counts      Bool
)
ENGINE = ReplacingMergeTree
PARTITION BY wave
ORDER BY (wave, digest, case_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
