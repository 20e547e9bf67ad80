-- The sample with its weights, as lists of numbers with an entry for each case. All lists of a
-- row have the same order.
SELECT
    CAST(groupArrayState(hash), 'String'),
    CAST(groupArrayState(unit), 'String'),
    CAST(groupArrayState(toFloat64(w)), 'String'),
    CAST(groupArrayState(toFloat64(base)), 'String'),
    CAST(groupArrayState(toUInt8(drawn)), 'String')
FROM
(
    SELECT cityHash64(case_id) AS hash, *
    FROM
    (
        -- The sample with its base weights.
        SELECT
            case_id,
            bitXor(CAST(cityHash64(stratum), 'UInt64'), bitRotateLeft(CAST(cityHash64(psu), 'UInt64'), 1)) AS unit,
            weight > 0 AS drawn,
            weight * greatest(eligible, 1) AS base, weight * greatest(eligible, 1) AS w
        FROM sample FINAL
        LEFT JOIN
        (
            SELECT case_id, class, eligible, counts
            FROM standings FINAL
            WHERE wave = {wave:String} AND digest = {standings:String}
        ) AS standing USING (case_id)
        WHERE wave = {wave:String} AND digest = {sample:String} AND weight > 0 AND counts
    )
)
GROUP BY bitShiftRight(hash, 56)
SETTINGS join_algorithm = 'hash', enable_analyzer = 0, compile_expressions = 0, compile_aggregate_expressions = 0
