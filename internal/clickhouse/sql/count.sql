-- A block that was sent twice under different tokens is there twice until a merge.
SELECT count(), sum(check_number)
FROM
(
    SELECT DISTINCT seq, check_number
    FROM responses
    WHERE node = {node:UInt16} AND seq BETWEEN {from:UInt64} AND {to:UInt64}
)
