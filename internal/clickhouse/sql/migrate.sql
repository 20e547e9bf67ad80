-- What was done to this database, by file.
CREATE TABLE IF NOT EXISTS migrations
(
    name   String,
    digest String
)
ENGINE = MergeTree
ORDER BY name
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
