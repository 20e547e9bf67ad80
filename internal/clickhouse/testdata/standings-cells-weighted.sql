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
    sumIf(w_0, v0is) * exp2(-43) + sumIf(w_1, v0is) * exp2(-95) AS s3
FROM
(
    SELECT
        unit,
        toUInt64(9223372036854775808) AS k0,
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
        ifNull(v0 = 1, 0) AS v0is
    FROM
    (
        -- The scores and answers of everybody who responded, with weight and PSU.
        SELECT
            unit,
            w,
            base,
            toFloat64(toNullable((100000 * toFloat64(bitCount(bitAnd(m0, 1)))) / 1000) >= 50) AS v0
        FROM
        (
            -- The responses that count with what is made of their words.
            SELECT
                case_id,
                m0
            FROM
            (
                -- The response that counts for each case. Interviews that were broken off count nowhere.
                SELECT
                    case_id,
                    arraySum(c -> transform(c, [cityHash64('i', 1, 'a')], [1], toUInt64(0)), codes) AS m0,
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
                if(before > 0, before, weight * greatest(eligible, 1)) AS base, w
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
            LEFT JOIN
            (
                SELECT case_id, class, eligible, counts
                FROM standings FINAL
                WHERE wave = {wave:String} AND digest = {standings:String}
            ) AS standing USING (case_id)
            ) AS given USING (case_id)
            WHERE wave = {wave:String} AND digest = {sample:String} AND counts
        ) AS s USING (case_id)
    )
)
GROUP BY unit, k0
ORDER BY unit, k0
SETTINGS join_algorithm = 'hash', compile_expressions = 0, compile_aggregate_expressions = 0, query_plan_remove_redundant_sorting = 0, enable_analyzer = 0
