-- The probability with which a person was asked an item, of the items of the booklet that
-- not everybody is asked. Empty for what was stored before; its published version tells.
ALTER TABLE responses
    ADD COLUMN IF NOT EXISTS inclusion Map(LowCardinality(String), Float64) CODEC(ZSTD)
