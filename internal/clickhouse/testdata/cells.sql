-- The sums of every variable by PSU and crossing of the factors, in one scan of the
-- responses. People with values of other variables are summed apart, so that number and
-- weights need summing only once; missing lists the variables without a value. Weighted
-- terms are added as whole numbers of units of 2^-140, which is exact: neither the order
-- of rows nor the number of threads changes a bit.
SELECT
    stratum, psu,
    CAST([f0, f1, f2], 'Array(Int32)') AS levels,
    arrayFilter((variable, gone) -> gone, CAST(range(14), 'Array(UInt16)'),
    [
        isNull(v0),
        isNull(v1),
        isNull(v2),
        isNull(v3),
        isNull(v4),
        isNull(v5),
        isNull(i0),
        isNull(i1),
        isNull(i2),
        isNull(i3),
        isNull(i4),
        isNull(i5),
        isNull(i6),
        isNull(i7)
    ]) AS missing,
    count() AS people,
    arrayMap(units -> toFloat64(units) / exp2(140),
    [
        sum(w1), sum(w2), sum(b1),
        sum(toInt256(ifNull(w * v0, 0) * exp2(140))),
        sum(toInt256(ifNull(w * v0 * v0, 0) * exp2(140))),
        sumIf(w1, ifNull(v1 = 1, 0)),
        sum(toInt256(ifNull(w * v2, 0) * exp2(140))),
        sum(toInt256(ifNull(w * v2 * v2, 0) * exp2(140))),
        sum(toInt256(ifNull(w * v3, 0) * exp2(140))),
        sum(toInt256(ifNull(w * v3 * v3, 0) * exp2(140))),
        sumIf(w1, ifNull(v4 = 1, 0)),
        sumIf(w1, ifNull(v5 = 1, 0)),
        sumIf(w1, ifNull(i0 = 1, 0)),
        sumIf(w1, ifNull(i1 = 1, 0)),
        sumIf(w1, ifNull(i2 = 1, 0)),
        sumIf(w1, ifNull(i3 = 1, 0)),
        sumIf(w1, ifNull(i4 = 1, 0)),
        sumIf(w1, ifNull(i5 = 1, 0)),
        sumIf(w1, ifNull(i6 = 1, 0)),
        sumIf(w1, ifNull(i7 = 1, 0))
    ]) AS sums
FROM
(
    SELECT
        stratum, psu, f0, f1, f2, w,
        toInt256(w * exp2(140)) AS w1, toInt256(w * w * exp2(140)) AS w2, toInt256(base * exp2(140)) AS b1,
        i0,
        i1,
        i2,
        i3,
        i4,
        i5,
        i6,
        i7,
        ((60000 * (i0 + i1 + i2 + i3) + 40000 * (i4 + i5 + i6 + i7)) / 4000) AS v0,
        toFloat64(((60000 * (i0 + i1 + i2 + i3) + 40000 * (i4 + i5 + i6 + i7)) / 4000) >= 50) AS v1,
        (60000 * (i0 + i1 + i2 + i3) / 4000) AS v2,
        (40000 * (i4 + i5 + i6 + i7) / 4000) AS v3,
        toFloat64(((60000 * (i0 + i1 + i2 + i3) + 40000 * (i4 + i5 + i6 + i7)) / 4000) >= 80) AS v4,
        toFloat64(((60000 * (i0 + i1 + i2 + i3) + 40000 * (i4 + i5 + i6 + i7)) / 4000) >= 50) AS v5
    FROM
    (
        -- The response that counts for each case.
        SELECT
            case_id,
            toInt32(multiIf(answers['a\x27 OR 1=1 --'][1] = '', -1, answers['a\x27 OR 1=1 --'][1] IN ('a\x27 OR 1=1 --', 'b\x5C'), 0, answers['a\x27 OR 1=1 --'][1] IN ('\x7Bwave\x3AString\x7D', '\x3F'), 1, -1)) AS f0,
            toInt32(multiIf(answers['n'][1] = '', -1, ifNull(toFloat64OrNull(answers['n'][1]) >= -0.5 AND toFloat64OrNull(answers['n'][1]) < 1000, 0), 0, ifNull(toFloat64OrNull(answers['n'][1]) >= 1000 AND toFloat64OrNull(answers['n'][1]) < inf, 0), 1, -1)) AS f2,
            toNullable(toFloat64(answers['a\x27 OR 1=1 --'] = ['b\x5C'])) AS i0,
            toNullable(toFloat64(answers['\x7Bwave\x3AString\x7D'] = ['\x3F'])) AS i1,
            toNullable(toFloat64(answers['c\x0A\x40keys\x40'] = ['/\x2A'])) AS i2,
            toNullable(toFloat64(answers['答\x22案'] = ['\x00\x60'])) AS i3,
            toNullable(toFloat64(answers['b\x5C'] = ['\x7Bwave\x3AString\x7D'])) AS i4,
            toNullable(toFloat64(answers['\x3F'] = ['c\x0A\x40keys\x40'])) AS i5,
            toNullable(toFloat64(answers['/\x2A'] = ['答\x22案'])) AS i6,
            toNullable(toFloat64(answers['\x00\x60'] = ['a\x27 OR 1=1 --'])) AS i7
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
    ) AS r
    INNER JOIN
    (
        -- The sample with a set of weights.
        SELECT
            case_id,
            stratum,
            psu,
            toInt32(multiIf(columns['b\x5C'] = '', -1, columns['b\x5C'] IN ('c\x0A\x40keys\x40', '/\x2A', '答\x22案', '\x00\x60'), 0, columns['b\x5C'] IN ('a\x27 OR 1=1 --', 'b\x5C', '\x7Bwave\x3AString\x7D', '\x3F'), 1, -1)) AS f1,
            if(before > 0, before, weight) AS base, w
        FROM sample FINAL
        INNER JOIN
        (
            SELECT case_id, weight AS w, base AS before
            FROM weights FINAL
            WHERE wave = {wave:String} AND digest = {weights:String} AND weight > 0
        ) AS given USING (case_id)
        WHERE wave = {wave:String} AND digest = {sample:String}
    ) AS s USING (case_id)
)
GROUP BY stratum, psu, f0, f1, f2, missing
ORDER BY stratum, psu, f0, f1, f2, missing
SETTINGS query_plan_join_swap_table = 'false'
