-- The sample with a set of weights.
SELECT
    @columns@,
    weight AS base, w
FROM sample FINAL
INNER JOIN
(
    SELECT case_id, weight AS w
    FROM weights FINAL
    WHERE wave = {wave:String} AND digest = {weights:String} AND weight > 0
) AS given USING (case_id)
WHERE wave = {wave:String} AND digest = {sample:String}
