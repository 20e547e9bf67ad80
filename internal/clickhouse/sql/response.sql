SELECT
    wave, node, seq, submission_id, revision, survey, version, case_id, mode, lang,
    started, finished, received, body_hash, answers,
    booklet, partial, last, paradata, inclusion
FROM responses FINAL
WHERE wave = {wave:String} AND submission_id = {interview:UUID}
ORDER BY partial, revision DESC, finished, body_hash, node, seq
LIMIT 1
