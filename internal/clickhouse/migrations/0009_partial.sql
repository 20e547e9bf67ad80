-- How an interview went: its booklet, whether it was broken off and where, and the
-- paradata as JSON. What is from before was never broken off.
ALTER TABLE responses
    ADD COLUMN IF NOT EXISTS booklet LowCardinality(String),
    ADD COLUMN IF NOT EXISTS partial Bool,
    ADD COLUMN IF NOT EXISTS last LowCardinality(String),
    ADD COLUMN IF NOT EXISTS paradata String CODEC(ZSTD)
