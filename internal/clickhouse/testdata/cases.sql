-- The sample with its weights, as lists of numbers with an entry for each case. All lists of a
-- row have the same order.
SELECT
    CAST(groupArrayState(hash), 'String'),
    CAST(groupArrayState(unit), 'String'),
    CAST(groupArrayState(toFloat64(w)), 'String'),
    CAST(groupArrayState(toFloat64(base)), 'String'),
    CAST(groupArrayState(toUInt8(drawn)), 'String'),
    CAST(groupArrayState(f1), 'String')
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
            toInt32(transform(columns['b\x5C'], ['c\x0A\x40keys\x40', '/\x2A', '答\x22案', '\x00\x60', 'a\x27 OR 1=1 --', 'b\x5C', '\x7Bwave\x3AString\x7D', '\x3F'], [0, 0, 0, 0, 1, 1, 1, 1], -1)) AS f1,
            if(before > 0, before, weight) AS base, w
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
        WHERE (weight > 0 OR w > 0)
    )
)
GROUP BY bitShiftRight(hash, 56)
SETTINGS join_algorithm = 'hash', enable_analyzer = 0, compile_expressions = 0, compile_aggregate_expressions = 0
