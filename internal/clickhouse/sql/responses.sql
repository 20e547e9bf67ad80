SELECT
    wave, node, seq, submission_id, revision, survey, version, case_id, mode, lang,
    started, finished, received, body_hash, answers,
    booklet, partial, last, paradata, inclusion
FROM responses FINAL
WHERE wave = {wave:String}
ORDER BY case_id, submission_id, revision, finished DESC, body_hash DESC, node DESC, seq DESC
