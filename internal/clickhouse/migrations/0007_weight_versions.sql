-- A name has versions 1, 2, …, each with the record of how it was made, as JSON. Record and
-- name are one row, written after the weights: a name is there with both or not at all.
ALTER TABLE weight_sets
    ADD COLUMN IF NOT EXISTS version UInt32 DEFAULT 1,
    ADD COLUMN IF NOT EXISTS record String
