-- The sample with the response of each case, where there is one.
SELECT
    case_id, stratum, psu, w, responded = 1 AND counts AS has_response,
    if(responded = 1 AND counts, score, nan) AS points,
    CAST([], 'Array(Int32)') AS levels,
    listed, class, eligible
FROM
(
    -- The sample with its base weights.
    SELECT
        case_id,
        stratum,
        psu,
        CAST([], 'Array(String)') AS listed,
        class,
        eligible,
        counts,
        weight AS base, weight AS w
    FROM sample FINAL
    LEFT JOIN
    (
        SELECT case_id, class, eligible, counts
        FROM standings FINAL
        WHERE wave = {wave:String} AND digest = {standings:String}
    ) AS standing USING (case_id)
    WHERE wave = {wave:String} AND digest = {sample:String} AND weight > 0
) AS s
LEFT JOIN
(
    -- The responses that count with what is made of their words.
    SELECT
        case_id,
        m0,
        toUInt8(1) AS responded,
        ifNull(toNullable((100000 * toFloat64(bitCount(bitAnd(m0, 1)))) / 1000), nan) AS score
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
) AS r USING (case_id)
ORDER BY case_id
SETTINGS join_use_nulls = 0, join_algorithm = 'full_sorting_merge'
