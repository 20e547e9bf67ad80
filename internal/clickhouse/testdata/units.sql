-- The sample with the response of each case, where there is one.
SELECT
    case_id, stratum, psu, w, responded = 1 AS has_response,
    if(responded = 1, score, nan) AS points,
    CAST([if(responded = 1, f0, -1), f1, if(responded = 1, f2, -1)], 'Array(Int32)') AS levels,
    listed
FROM
(
    -- The sample with its base weights.
    SELECT
        case_id,
        stratum,
        psu,
        CAST([], 'Array(String)') AS listed,
        toInt32(multiIf(columns['b\x5C'] = '', -1, columns['b\x5C'] IN ('c\x0A\x40keys\x40', '/\x2A', '答\x22案', '\x00\x60'), 0, columns['b\x5C'] IN ('a\x27 OR 1=1 --', 'b\x5C', '\x7Bwave\x3AString\x7D', '\x3F'), 1, -1)) AS f1,
        weight AS base, weight AS w
    FROM sample FINAL
    WHERE wave = {wave:String} AND digest = {sample:String} AND weight > 0
) AS s
LEFT JOIN
(
    -- The response that counts for each case.
    SELECT
        case_id,
        toInt32(multiIf(answers['a\x27 OR 1=1 --'][1] = '', -1, answers['a\x27 OR 1=1 --'][1] IN ('a\x27 OR 1=1 --', 'b\x5C'), 0, answers['a\x27 OR 1=1 --'][1] IN ('\x7Bwave\x3AString\x7D', '\x3F'), 1, -1)) AS f0,
        toInt32(multiIf(answers['n'][1] = '', -1, ifNull(toFloat64OrNull(answers['n'][1]) >= -0.5 AND toFloat64OrNull(answers['n'][1]) < 1000, 0), 0, ifNull(toFloat64OrNull(answers['n'][1]) >= 1000 AND toFloat64OrNull(answers['n'][1]) < inf, 0), 1, -1)) AS f2,
        toUInt8(1) AS responded,
        ifNull(toFloat64(toNullable((60000 * toFloat64(bitCount(bitAnd(arraySum((k, v) -> (v = [transform(k, ['a\x27 OR 1=1 --', '\x7Bwave\x3AString\x7D', 'c\x0A\x40keys\x40', '答\x22案', 'b\x5C', '\x3F', '/\x2A', '\x00\x60'], ['b\x5C', '\x3F', '/\x2A', '\x00\x60', '\x7Bwave\x3AString\x7D', 'c\x0A\x40keys\x40', '答\x22案', 'a\x27 OR 1=1 --'], '')]) * transform(k, ['a\x27 OR 1=1 --', '\x7Bwave\x3AString\x7D', 'c\x0A\x40keys\x40', '答\x22案', 'b\x5C', '\x3F', '/\x2A', '\x00\x60'], [1, 2, 4, 8, 16, 32, 64, 128], toUInt64(0)), mapKeys(answers), mapValues(answers)), 15))) + 40000 * toFloat64(bitCount(bitAnd(arraySum((k, v) -> (v = [transform(k, ['a\x27 OR 1=1 --', '\x7Bwave\x3AString\x7D', 'c\x0A\x40keys\x40', '答\x22案', 'b\x5C', '\x3F', '/\x2A', '\x00\x60'], ['b\x5C', '\x3F', '/\x2A', '\x00\x60', '\x7Bwave\x3AString\x7D', 'c\x0A\x40keys\x40', '答\x22案', 'a\x27 OR 1=1 --'], '')]) * transform(k, ['a\x27 OR 1=1 --', '\x7Bwave\x3AString\x7D', 'c\x0A\x40keys\x40', '答\x22案', 'b\x5C', '\x3F', '/\x2A', '\x00\x60'], [1, 2, 4, 8, 16, 32, 64, 128], toUInt64(0)), mapKeys(answers), mapValues(answers)), 240)))) / 4000)), nan) AS score
    FROM responses FINAL
    WHERE wave = {wave:String} AND case_id != ''
      AND (node, seq, submission_id, revision) NOT IN
    (
        -- The records of a wave that do not count, because
        --   turn > 1:  the submission has a later revision, or another node has the same one;
        --   place > 1: the case has another submission, accepted at an earlier place.
        -- Only records that share a submission or a case with another one are sorted.
        SELECT node, seq, submission_id, revision
        FROM
        (
            SELECT
                node, seq, submission_id, revision, turn,
                row_number() OVER (PARTITION BY case_id, turn = 1 ORDER BY seq, node, submission_id) AS place
            FROM
            (
                SELECT
                    case_id, node, seq, submission_id, revision,
                    row_number() OVER (PARTITION BY submission_id ORDER BY revision DESC, node, seq) AS turn
                FROM responses FINAL
                WHERE wave = {wave:String}
                  AND (
                      submission_id IN (
                          SELECT submission_id FROM responses WHERE wave = {wave:String}
                          GROUP BY submission_id HAVING min((node, seq)) != max((node, seq)))
                      OR case_id IN (
                          SELECT case_id FROM responses WHERE wave = {wave:String} AND case_id != ''
                          GROUP BY case_id HAVING min((node, seq)) != max((node, seq))))
            )
        )
        WHERE turn > 1 OR place > 1
    )
) AS r USING (case_id)
ORDER BY case_id
SETTINGS join_use_nulls = 0, query_plan_join_swap_table = 'false'
