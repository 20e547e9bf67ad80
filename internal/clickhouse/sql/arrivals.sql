-- The records of a wave beyond a place in the log of each node, with the numbers of the
-- answers as bytes. Which of them count is for the reader to say, who has seen the records
-- before.
SELECT
    node, seq, toString(submission_id) AS id, revision, finished, received, partial, body_hash, case_id,
    CAST(arrayReduce('groupArrayState', @given@), 'String') AS given@values@
FROM responses
WHERE wave = {wave:String} AND (@beyond@)
ORDER BY node, seq
SETTINGS enable_analyzer = 0, compile_expressions = 0
