-- The cases of the sample, with the levels of the factors that are columns of it.
SELECT
    case_id, stratum, psu, w, cityHash64(case_id) AS hash,
    CAST([], 'Array(Int32)') AS levels,
    listed, class, eligible, counts
FROM
(
    -- The drawn cases with their weights.
    SELECT
        case_id,
        stratum,
        psu,
        CAST([], 'Array(String)') AS listed,
        class,
        eligible,
        counts,
        weight AS w
    FROM sample FINAL
    LEFT JOIN
    (
        SELECT case_id, class, eligible, counts
        FROM standings FINAL
        WHERE wave = {wave:String} AND digest = {standings:String}
    ) AS standing USING (case_id)
    WHERE wave = {wave:String} AND digest = {sample:String} AND weight > 0
)
ORDER BY case_id
SETTINGS join_use_nulls = 0
