-- The sample with its base weights.
SELECT
    @columns@,
    @base@ AS base, @base@ AS w
FROM sample FINAL@standing@
WHERE wave = {wave:String} AND digest = {sample:String} AND weight > 0@counting@
