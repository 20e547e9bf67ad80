-- The sample with a set of weights.
SELECT
    @columns@,
    if(before > 0, before, @base@) AS base, w
FROM sample FINAL
INNER JOIN
(
    SELECT case_id, weight AS w, base AS before
    FROM weights FINAL
    WHERE wave = {wave:String} AND digest = {weights:String} AND weight > 0
) AS given USING (case_id)@standing@
WHERE wave = {wave:String} AND digest = {sample:String}@counting@
