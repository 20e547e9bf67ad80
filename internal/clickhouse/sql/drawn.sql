-- The drawn cases with their weights.
SELECT
    @columns@,
    weight AS w
FROM sample FINAL@standing@
WHERE wave = {wave:String} AND digest = {sample:String} AND weight > 0
