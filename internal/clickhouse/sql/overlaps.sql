-- What the nodes have taken more than once, by wave: the same interview, other bodies of a
-- revision, and further whole interviews of a case.
SELECT
    wave,
    toUInt64(count() - uniqExact(submission_id, revision, body_hash)) AS repeated,
    toUInt64(uniqExact(submission_id, revision, body_hash) - uniqExact(submission_id, revision)) AS bodies,
    toUInt64(uniqExactIf(case_id, submission_id, case_id != '' AND NOT partial) - uniqExactIf(case_id, case_id != '' AND NOT partial)) AS further
FROM responses FINAL
GROUP BY wave
HAVING repeated + bodies + further > 0
ORDER BY wave
