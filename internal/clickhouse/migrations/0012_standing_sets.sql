-- Which standings a wave has: the row with the highest number. It is written after the
-- standings, so a set is there whole or not at all. eligible is the largest number of
-- eligible persons of a household in it.
CREATE TABLE IF NOT EXISTS standing_sets
(
    wave     String,
    number   UInt64,
    digest   String,
    cases    UInt64,
    eligible UInt8
)
ENGINE = MergeTree
ORDER BY (wave, number)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
