-- The records of a wave beyond a place in the log of each node, with the score and the
-- levels of the factors that are answers. Which of them count is for the reader to say, who
-- has seen the records before.
SELECT
    node, seq, id, revision, finished, received, partial, body_hash, case_id, points,
    CAST([@levels@], 'Array(Int32)') AS levels
FROM
(
    SELECT
        node, seq, toString(submission_id) AS id, revision, finished, received, partial, body_hash, case_id,
        @values@
    FROM responses
    WHERE wave = {wave:String} AND (@beyond@)
)
ORDER BY node, seq
