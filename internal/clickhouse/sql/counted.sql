-- The response that counts for each case. Interviews that were broken off count nowhere.
SELECT
    @columns@
FROM responses FINAL
WHERE wave = {wave:String} AND case_id != '' AND NOT partial
  AND (node, seq, submission_id, revision) NOT IN
(
    @superseded@
)
