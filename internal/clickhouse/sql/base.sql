-- The sample with its base weights.
SELECT
    @columns@,
    weight AS base, weight AS w
FROM sample FINAL
WHERE wave = {wave:String} AND digest = {sample:String} AND weight > 0
