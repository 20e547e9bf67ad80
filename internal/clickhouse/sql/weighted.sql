-- The sample with a set of weights; w is 0 for a case that has none in it.
SELECT
    @columns@,
    if(before > 0, before, @base@) AS base, w
FROM
(
    SELECT *
    FROM sample FINAL
    LEFT JOIN
    (
        SELECT case_id, weight AS w, base AS before
        FROM weights FINAL
        WHERE wave = {wave:String} AND digest = {weights:String} AND weight > 0
    ) AS given USING (case_id)
    WHERE wave = {wave:String} AND digest = {sample:String}
) AS sampled@standing@
WHERE (weight > 0 OR w > 0)@counting@
