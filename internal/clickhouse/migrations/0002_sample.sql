-- Every drawn case. The rows of one sample carry the digest of its content, and are
-- in use when samples names that digest.
CREATE TABLE IF NOT EXISTS sample
(
    wave    String,
    digest  String,
    case_id String,
    stratum LowCardinality(String),
    psu     LowCardinality(String),
    weight  Float64,
    columns Map(LowCardinality(String), String)
)
ENGINE = ReplacingMergeTree
PARTITION BY wave
ORDER BY (wave, digest, case_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
