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
        toInt32(transform(columns['b\x5C'], ['c\x0A\x40keys\x40', '/\x2A', '答\x22案', '\x00\x60', 'a\x27 OR 1=1 --', 'b\x5C', '\x7Bwave\x3AString\x7D', '\x3F'], [0, 0, 0, 0, 1, 1, 1, 1], -1)) AS f1,
        weight AS base, weight AS w
    FROM sample FINAL
    WHERE wave = {wave:String} AND digest = {sample:String} AND weight > 0
) AS s
LEFT JOIN
(
    -- The responses that count with what is made of their words.
    SELECT
        case_id,
        m0,
        toInt32(bitAnd(bitShiftRight(m0, 8), 3)) - 1 AS f0,
        toInt32(if(bitAnd(bitShiftRight(m0, 10), 3) > 0, bitAnd(bitShiftRight(m0, 10), 3), if(mapContains(numbers, 'n'), multiIf(numbers['n'] >= -0.5 AND numbers['n'] < 1000, 1, numbers['n'] >= 1000 AND numbers['n'] < inf, 2, 0), 0))) - 1 AS f2,
        toUInt8(1) AS responded,
        ifNull(toNullable((60000 * toFloat64(bitCount(bitAnd(m0, 15))) + 40000 * toFloat64(bitCount(bitAnd(m0, 240)))) / 4000), nan) AS score
    FROM
    (
        -- The response that counts for each case. Interviews that were broken off count nowhere.
        SELECT
            case_id,
            arraySum(c -> transform(c, [cityHash64('a\x27 OR 1=1 --', 1, 'b\x5C'), cityHash64('\x7Bwave\x3AString\x7D', 1, '\x3F'), cityHash64('c\x0A\x40keys\x40', 1, '/\x2A'), cityHash64('答\x22案', 1, '\x00\x60'), cityHash64('b\x5C', 1, '\x7Bwave\x3AString\x7D'), cityHash64('\x3F', 1, 'c\x0A\x40keys\x40'), cityHash64('/\x2A', 1, '答\x22案'), cityHash64('\x00\x60', 1, 'a\x27 OR 1=1 --'), cityHash64('a\x27 OR 1=1 --', 1, 'a\x27 OR 1=1 --'), cityHash64('a\x27 OR 1=1 --', 0, 'a\x27 OR 1=1 --'), cityHash64('a\x27 OR 1=1 --', 0, 'b\x5C'), cityHash64('a\x27 OR 1=1 --', 1, '\x7Bwave\x3AString\x7D'), cityHash64('a\x27 OR 1=1 --', 0, '\x7Bwave\x3AString\x7D'), cityHash64('a\x27 OR 1=1 --', 1, '\x3F'), cityHash64('a\x27 OR 1=1 --', 0, '\x3F'), cityHash64('n', 1, '0'), cityHash64('n', 0, '0'), cityHash64('n', 1, '1'), cityHash64('n', 0, '1'), cityHash64('n', 1, '2'), cityHash64('n', 0, '2'), cityHash64('n', 1, '3'), cityHash64('n', 0, '3'), cityHash64('n', 1, '4'), cityHash64('n', 0, '4'), cityHash64('n', 1, '5'), cityHash64('n', 0, '5'), cityHash64('n', 1, '6'), cityHash64('n', 0, '6'), cityHash64('n', 1, '7'), cityHash64('n', 0, '7'), cityHash64('n', 1, '8'), cityHash64('n', 0, '8'), cityHash64('n', 1, '9'), cityHash64('n', 0, '9')], [257, 2, 4, 8, 16, 32, 64, 128, 256, 256, 256, 512, 512, 512, 512, 1024, 1024, 1024, 1024, 1024, 1024, 1024, 1024, 1024, 1024, 1024, 1024, 1024, 1024, 1024, 1024, 1024, 1024, 1024, 1024], toUInt64(0)), codes) AS m0,
            numbers
        FROM responses FINAL
        WHERE wave = {wave:String} AND case_id != '' AND NOT partial
          AND (node, seq, submission_id, revision) NOT IN
        (
            -- The records of a wave that do not count, because
            --   turn > 1:  the submission has a later revision, or the same one with another body, or
            --              another node has it too; a complete one has its turn before those that were
            --              broken off, and of several bodies the one that was finished first;
            --   place > 1: the case has another complete submission, of which a revision was finished
            --              earlier.
            -- The rule looks at the interviews alone. Whichever nodes took them, in whatever order, the
            -- same ones count; surveys.Counting is the same rule in Go.
            -- Only records that share a submission or a case with another one, or a hash, are sorted.
            SELECT node, seq, submission_id, revision
            FROM
            (
                SELECT
                    node, seq, submission_id, revision, turn, partial,
                    row_number() OVER (PARTITION BY case_id, turn = 1, partial ORDER BY first, toString(submission_id), node, seq) AS place
                FROM
                (
                    SELECT
                        case_id, node, seq, submission_id, revision, partial,
                        row_number() OVER (PARTITION BY submission_id ORDER BY partial, revision DESC, finished, body_hash, node, seq) AS turn,
                        minIf(finished, NOT partial) OVER (PARTITION BY submission_id) AS first
                    FROM responses FINAL
                    WHERE wave = {wave:String}
                      AND (
                          cityHash64(submission_id) IN (
                              SELECT cityHash64(submission_id) AS h FROM responses WHERE wave = {wave:String}
                              GROUP BY h HAVING count() > 1)
                          OR cityHash64(case_id) IN (
                              SELECT cityHash64(case_id) AS h FROM responses WHERE wave = {wave:String} AND case_id != ''
                              GROUP BY h HAVING count() > 1))
                )
            )
            WHERE turn > 1 OR place > 1
        )
    )
) AS r USING (case_id)
ORDER BY case_id
SETTINGS join_use_nulls = 0, join_algorithm = 'full_sorting_merge'
