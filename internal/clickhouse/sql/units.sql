SELECT case_id, w, scored, CAST([@levels@], 'Array(Int32)') AS levels
FROM
(
    @responses@
) AS r
INNER JOIN
(
    @sample@
) AS s USING (case_id)
ORDER BY case_id
SETTINGS query_plan_join_swap_table = 'false'
