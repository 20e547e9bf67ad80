INSERT INTO weights (wave, digest, case_id, weight, base)
