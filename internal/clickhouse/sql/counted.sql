-- The response that counts for each case.
SELECT
    @columns@
FROM responses FINAL
WHERE wave = {wave:String} AND case_id != ''
  AND (node, seq, submission_id, revision) NOT IN
(
    @superseded@
)
