-- The sums of every variable by PSU and crossing of the factors, or by several such crossings,
-- in one scan of the responses. Keys hold the levels, and which variables people have no value of, so that
-- number and weights need summing only once. Weighted terms are added in whole parts,
-- which is exact: neither the order of rows nor the number of threads changes a bit.
-- The engine's newer analyzer takes ten seconds to read the some hundred sums of a report,
-- the older one a few tenths, whatever the number of responses.
-- A large sample lies in the order of the cases, so that only the responses need sorting for
-- the join; a hash table of ten million cases would take four times as long. One of some
-- hundred thousand takes half as long as the sorting.
SELECT
    unit,
    k0,
    count() AS people,
    sum(w_0) * exp2(-43) + sum(w_1) * exp2(-95) AS s0,
    sum(q_0) * exp2(-35) + sum(q_1) * exp2(-87) AS s1,
    sum(b_0) * exp2(-44) + sum(b_1) * exp2(-96) AS s2,
    sum(v0y_0) * exp2(-36) + sum(v0y_1) * exp2(-88) AS s3,
    sum(v0yy_0) * exp2(-30) + sum(v0yy_1) * exp2(-82) AS s4,
    sumIf(w_0, v1is) * exp2(-43) + sumIf(w_1, v1is) * exp2(-95) AS s5,
    sum(v2y_0) * exp2(-37) + sum(v2y_1) * exp2(-89) AS s6,
    sum(v2yy_0) * exp2(-31) + sum(v2yy_1) * exp2(-83) AS s7,
    sum(v3y_0) * exp2(-38) + sum(v3y_1) * exp2(-90) AS s8,
    sum(v3yy_0) * exp2(-32) + sum(v3yy_1) * exp2(-84) AS s9,
    sumIf(w_0, v4is) * exp2(-43) + sumIf(w_1, v4is) * exp2(-95) AS s10,
    sumIf(w_0, v5is) * exp2(-43) + sumIf(w_1, v5is) * exp2(-95) AS s11,
    sumIf(w_0, v6is) * exp2(-43) + sumIf(w_1, v6is) * exp2(-95) AS s12,
    sumIf(w_0, v7is) * exp2(-43) + sumIf(w_1, v7is) * exp2(-95) AS s13,
    sumIf(w_0, v8is) * exp2(-43) + sumIf(w_1, v8is) * exp2(-95) AS s14,
    sumIf(w_0, v9is) * exp2(-43) + sumIf(w_1, v9is) * exp2(-95) AS s15,
    sumIf(w_0, v10is) * exp2(-43) + sumIf(w_1, v10is) * exp2(-95) AS s16,
    sumIf(w_0, v11is) * exp2(-43) + sumIf(w_1, v11is) * exp2(-95) AS s17,
    sumIf(w_0, v12is) * exp2(-43) + sumIf(w_1, v12is) * exp2(-95) AS s18,
    sumIf(w_0, v13is) * exp2(-43) + sumIf(w_1, v13is) * exp2(-95) AS s19
FROM
(
    SELECT
        unit,
        toUInt64(9223372036854775808) + bitShiftLeft(toUInt64(f0 + 1), 61) + bitShiftLeft(toUInt64(f1 + 1), 59) + bitShiftLeft(toUInt64(f2 + 1), 57) AS k0,
        w * exp2(43) AS w_0x,
        toInt64(w_0x) AS w_0,
        (w_0x - w_0) * exp2(52) AS w_1x,
        toInt64(w_1x) AS w_1,
        w * w * exp2(35) AS q_0x,
        toInt64(q_0x) AS q_0,
        (q_0x - q_0) * exp2(52) AS q_1x,
        toInt64(q_1x) AS q_1,
        base * exp2(44) AS b_0x,
        toInt64(b_0x) AS b_0,
        (b_0x - b_0) * exp2(52) AS b_1x,
        toInt64(b_1x) AS b_1,
        ifNull(w * v0, 0) * exp2(36) AS v0y_0x,
        toInt64(v0y_0x) AS v0y_0,
        (v0y_0x - v0y_0) * exp2(52) AS v0y_1x,
        toInt64(v0y_1x) AS v0y_1,
        ifNull(w * v0 * v0, 0) * exp2(30) AS v0yy_0x,
        toInt64(v0yy_0x) AS v0yy_0,
        (v0yy_0x - v0yy_0) * exp2(52) AS v0yy_1x,
        toInt64(v0yy_1x) AS v0yy_1,
        ifNull(v1 = 1, 0) AS v1is,
        ifNull(w * v2, 0) * exp2(37) AS v2y_0x,
        toInt64(v2y_0x) AS v2y_0,
        (v2y_0x - v2y_0) * exp2(52) AS v2y_1x,
        toInt64(v2y_1x) AS v2y_1,
        ifNull(w * v2 * v2, 0) * exp2(31) AS v2yy_0x,
        toInt64(v2yy_0x) AS v2yy_0,
        (v2yy_0x - v2yy_0) * exp2(52) AS v2yy_1x,
        toInt64(v2yy_1x) AS v2yy_1,
        ifNull(w * v3, 0) * exp2(38) AS v3y_0x,
        toInt64(v3y_0x) AS v3y_0,
        (v3y_0x - v3y_0) * exp2(52) AS v3y_1x,
        toInt64(v3y_1x) AS v3y_1,
        ifNull(w * v3 * v3, 0) * exp2(32) AS v3yy_0x,
        toInt64(v3yy_0x) AS v3yy_0,
        (v3yy_0x - v3yy_0) * exp2(52) AS v3yy_1x,
        toInt64(v3yy_1x) AS v3yy_1,
        ifNull(v4 = 1, 0) AS v4is,
        ifNull(v5 = 1, 0) AS v5is,
        ifNull(v6 = 1, 0) AS v6is,
        ifNull(v7 = 1, 0) AS v7is,
        ifNull(v8 = 1, 0) AS v8is,
        ifNull(v9 = 1, 0) AS v9is,
        ifNull(v10 = 1, 0) AS v10is,
        ifNull(v11 = 1, 0) AS v11is,
        ifNull(v12 = 1, 0) AS v12is,
        ifNull(v13 = 1, 0) AS v13is
    FROM
    (
        -- The scores and answers of everybody who responded, with weight and PSU.
        SELECT
            unit,
            w,
            base,
            f0,
            f1,
            f2,
            toNullable((60000 * toFloat64(bitCount(bitAnd(m0, 15))) + 40000 * toFloat64(bitCount(bitAnd(m0, 240)))) / 4000) AS v0,
            toFloat64(toNullable((60000 * toFloat64(bitCount(bitAnd(m0, 15))) + 40000 * toFloat64(bitCount(bitAnd(m0, 240)))) / 4000) >= 50) AS v1,
            toNullable(60000 * toFloat64(bitCount(bitAnd(m0, 15))) / 4000) AS v2,
            toNullable(40000 * toFloat64(bitCount(bitAnd(m0, 240))) / 4000) AS v3,
            toFloat64(toNullable((60000 * toFloat64(bitCount(bitAnd(m0, 15))) + 40000 * toFloat64(bitCount(bitAnd(m0, 240)))) / 4000) >= 80) AS v4,
            toFloat64(toNullable((60000 * toFloat64(bitCount(bitAnd(m0, 15))) + 40000 * toFloat64(bitCount(bitAnd(m0, 240)))) / 4000) >= 50) AS v5,
            toNullable(toFloat64(bitTest(m0, 0))) AS v6,
            toNullable(toFloat64(bitTest(m0, 1))) AS v7,
            toNullable(toFloat64(bitTest(m0, 2))) AS v8,
            toNullable(toFloat64(bitTest(m0, 3))) AS v9,
            toNullable(toFloat64(bitTest(m0, 4))) AS v10,
            toNullable(toFloat64(bitTest(m0, 5))) AS v11,
            toNullable(toFloat64(bitTest(m0, 6))) AS v12,
            toNullable(toFloat64(bitTest(m0, 7))) AS v13
        FROM
        (
            -- The responses that count with what is made of their words.
            SELECT
                case_id,
                m0,
                toInt32(bitAnd(bitShiftRight(m0, 8), 3)) - 1 AS f0,
                toInt32(if(bitAnd(bitShiftRight(m0, 10), 3) > 0, bitAnd(bitShiftRight(m0, 10), 3), if(mapContains(numbers, 'n'), multiIf(numbers['n'] >= -0.5 AND numbers['n'] < 1000, 1, numbers['n'] >= 1000 AND numbers['n'] < inf, 2, 0), 0))) - 1 AS f2
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
        ) AS r
        INNER JOIN
        (
            -- The sample with a set of weights.
            SELECT
                case_id,
                bitXor(CAST(cityHash64(stratum), 'UInt64'), bitRotateLeft(CAST(cityHash64(psu), 'UInt64'), 1)) AS unit,
                toInt32(transform(columns['b\x5C'], ['c\x0A\x40keys\x40', '/\x2A', '答\x22案', '\x00\x60', 'a\x27 OR 1=1 --', 'b\x5C', '\x7Bwave\x3AString\x7D', '\x3F'], [0, 0, 0, 0, 1, 1, 1, 1], -1)) AS f1,
                if(before > 0, before, weight) AS base, w
            FROM sample FINAL
            INNER JOIN
            (
                SELECT *
                FROM
                (
                    SELECT case_id, weight AS w, base AS before
                    FROM weights FINAL
                    WHERE wave = {wave:String} AND digest = {weights:String} AND weight > 0
                ) AS given
            ) AS given USING (case_id)
            WHERE wave = {wave:String} AND digest = {sample:String}
        ) AS s USING (case_id)
    )
)
GROUP BY unit, k0
ORDER BY unit, k0
SETTINGS join_algorithm = 'hash', compile_expressions = 0, compile_aggregate_expressions = 0, query_plan_remove_redundant_sorting = 0, enable_analyzer = 0
