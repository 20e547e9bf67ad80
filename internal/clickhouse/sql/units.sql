-- The sample with the response of each case, where there is one.
SELECT
    case_id, stratum, psu, w, @responded@ AS has_response,
    if(@responded@, score, nan) AS points,
    CAST([@levels@], 'Array(Int32)') AS levels,
    listed@standing@
FROM
(
    @sample@
) AS s
LEFT JOIN
(
    @responses@
) AS r USING (case_id)
ORDER BY case_id
SETTINGS join_use_nulls = 0, join_algorithm = 'full_sorting_merge'
