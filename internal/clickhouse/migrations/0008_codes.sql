-- What cells are summed from, so that they need not read answers. Of each item asked,
-- in the order of mapKeys(answers): codes has the hash of the item, of whether it has
-- exactly one answer, and of the first one; numbers has the first answers of two or more
-- characters that are numbers. A part from before has them made when it is read or merged.
ALTER TABLE responses
    ADD COLUMN IF NOT EXISTS codes Array(LowCardinality(UInt64))
        MATERIALIZED arrayMap((k, v) -> cityHash64(k, length(v) = 1, v[1]), mapKeys(answers), mapValues(answers)),
    ADD COLUMN IF NOT EXISTS numbers Map(LowCardinality(String), Float64)
        MATERIALIZED mapFilter((k, x) -> isNotNull(x), mapApply((k, v) -> (k, toFloat64OrNull(v[1])), mapFilter((k, v) -> length(v[1]) > 1, answers)))
SETTINGS allow_suspicious_low_cardinality_types = 1
