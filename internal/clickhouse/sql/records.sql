-- A block that was sent twice under different tokens is there twice until a merge.
SELECT DISTINCT seq, submission_id, revision, body_hash
FROM responses
WHERE node = {node:UInt16} AND seq BETWEEN {from:UInt64} AND {to:UInt64}
ORDER BY seq, hex(submission_id), revision, body_hash
