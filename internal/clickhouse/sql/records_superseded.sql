-- The hashes of the records of a wave that do not count.
SELECT cityHash64(node, seq, submission_id, revision)
FROM
(
    @superseded@
)
