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
        -- The sample with a set of weights; w is 0 for a case that has none in it.
        SELECT
            case_id,
            bitXor(CAST(cityHash64(stratum), 'UInt64'), bitRotateLeft(CAST(cityHash64(psu), 'UInt64'), 1)) AS unit,
            weight > 0 AS drawn,
            if(before > 0, before, weight * greatest(eligible, 1)) AS base, w
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
        ) AS sampled
        LEFT JOIN
        (
            SELECT case_id, class, eligible, counts
            FROM standings FINAL
            WHERE wave = {wave:String} AND digest = {standings:String}
        ) AS standing USING (case_id)
        WHERE (weight > 0 OR w > 0) AND counts
    )
)
GROUP BY bitShiftRight(hash, 56)
SETTINGS join_algorithm = 'hash', enable_analyzer = 0, compile_expressions = 0, compile_aggregate_expressions = 0
