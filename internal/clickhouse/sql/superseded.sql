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
