-- What the answers to questions with several of them are counted from, so that answers need
-- not be read: of each item with two answers or more, the hash of the item and each of
-- them. A part from before has them made when it is read or merged.
ALTER TABLE responses
    ADD COLUMN IF NOT EXISTS choices Array(LowCardinality(UInt64))
        MATERIALIZED arrayFlatten(arrayMap((k, v) -> arrayMap(x -> cityHash64(k, x), arrayDistinct(v)),
            mapKeys(mapFilter((k, v) -> length(v) > 1, answers)), mapValues(mapFilter((k, v) -> length(v) > 1, answers))))
SETTINGS allow_suspicious_low_cardinality_types = 1
