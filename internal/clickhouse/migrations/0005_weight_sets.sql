-- The names of sets of weights. A row is written after the weights of the set, so a
-- set is there whole or not at all.
CREATE TABLE IF NOT EXISTS weight_sets
(
    wave   String,
    name   String,
    digest String,
    cases  UInt64
)
ENGINE = MergeTree
ORDER BY (wave, name)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
