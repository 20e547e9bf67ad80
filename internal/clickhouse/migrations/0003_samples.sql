-- Which sample a wave has: the row with the highest number. It is written after the
-- rows of the sample, so a sample is there whole or not at all.
CREATE TABLE IF NOT EXISTS samples
(
    wave   String,
    number UInt64,
    digest String,
    cases  UInt64
)
ENGINE = MergeTree
ORDER BY (wave, number)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
