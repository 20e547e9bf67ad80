-- The sample with a set of weights.
SELECT
    @columns@,
    if(before > 0, before, @base@) AS base, w
FROM sample FINAL
INNER JOIN
(
    SELECT *
    FROM
    (
        SELECT case_id, weight AS w, base AS before
        FROM weights FINAL
        WHERE wave = {wave:String} AND digest = {weights:String} AND weight > 0
    ) AS given@standing@
) AS given USING (case_id)
WHERE wave = {wave:String} AND digest = {sample:String}@counting@
