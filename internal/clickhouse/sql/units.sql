-- The cases of the sample, with the levels of the factors that are columns of it.
SELECT
    case_id, stratum, psu, w, cityHash64(case_id) AS hash,
    CAST([@levels@], 'Array(Int32)') AS levels,
    listed@standing@
FROM
(
    @sample@
)
ORDER BY case_id
SETTINGS join_use_nulls = 0
