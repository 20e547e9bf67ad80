-- How many cases have a weight in a set but do not count any more, and how many count
-- without one.
SELECT countIf(weighted AND NOT counts), countIf(counts AND NOT weighted)
FROM
(
    SELECT case_id, true AS weighted FROM weights FINAL
    WHERE wave = {wave:String} AND digest = {weights:String} AND weight > 0
) AS w
FULL JOIN
(
    SELECT case_id, counts FROM standings FINAL
    WHERE wave = {wave:String} AND digest = {standings:String}
) AS standing USING (case_id)
SETTINGS join_use_nulls = 0, join_algorithm = 'full_sorting_merge'
