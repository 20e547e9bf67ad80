-- Weights by case. The rows of one set carry the digest of its content, and are in
-- use when weight_sets names that digest.
CREATE TABLE IF NOT EXISTS weights
(
    wave    String,
    digest  String,
    case_id String,
    weight  Float64
)
ENGINE = ReplacingMergeTree
PARTITION BY wave
ORDER BY (wave, digest, case_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
