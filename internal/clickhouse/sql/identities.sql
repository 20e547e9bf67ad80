-- What says that records are of one interview or one case: hashes of the submission, and of the
-- case, 0 without one.
SELECT
    cityHash64(submission_id) AS submission,
    if(case_id = '', 0, cityHash64(case_id)) AS of_case
FROM responses
WHERE wave = {wave:String}@until@
