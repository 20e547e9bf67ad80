-- How many cases have a weight in a set but do not count any more.
SELECT countIf(NOT counts)
FROM
(
    SELECT case_id FROM weights FINAL
    WHERE wave = {wave:String} AND digest = {weights:String} AND weight > 0
) AS w
LEFT JOIN
(
    SELECT case_id, counts FROM standings FINAL
    WHERE wave = {wave:String} AND digest = {standings:String}
) AS standing USING (case_id)
SETTINGS join_use_nulls = 0, join_algorithm = 'full_sorting_merge'
