INSERT INTO responses
    (wave, node, seq, submission_id, revision, survey, version, case_id, mode, lang,
     started, finished, received, body_hash, check_number, answers,
     booklet, partial, last, paradata, inclusion)
