-- The records of a wave beyond a place in the log of each node. Which of them count is for the
-- reader to say, who has seen the records before.
SELECT
    node, seq, submission_id, revision,
    toUnixTimestamp64Milli(finished) AS finished_ms, toUnixTimestamp64Milli(received) AS received_ms,
    toUInt8(partial) AS broken_off, body_hash, case_id,
    @answers@
FROM responses
WHERE wave = {wave:String} AND (@beyond@)
ORDER BY node, seq
