-- The records of a wave that do not count, because
--   turn > 1:  the submission has a later revision, or the same one with another body, or
--              another node has it too; a complete one has its turn before those that were
--              broken off, and of several bodies the one that was finished first;
--   place > 1: the case has another complete submission, of which a revision was finished
--              earlier.
-- The rule looks at the interviews alone. Whichever nodes took them, in whatever order, the
-- same ones count; surveys.Counting is the same rule in Go.
-- Only records that share the hash of a submission or a case with another one are sorted.
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
        WHERE wave = {wave:String}@until@
          AND (@shared@)
    )
)
WHERE turn > 1 OR place > 1
