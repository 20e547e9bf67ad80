-- The answers of a range of a node's log. Interviews that were broken off count nowhere; which
-- others do not count, superseded.sql says.
SELECT
    cityHash64(case_id) AS hash,
    cityHash64(node, seq, submission_id, revision) AS record,
    codes,
    if(mapContains(numbers, 'n'), numbers['n'], nan) AS x0
FROM responses FINAL
WHERE wave = {wave:String} AND node = {node:UInt16} AND seq BETWEEN {from:UInt64} AND {to:UInt64}
  AND case_id != '' AND NOT partial
