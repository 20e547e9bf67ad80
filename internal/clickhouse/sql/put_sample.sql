INSERT INTO sample (wave, digest, case_id, stratum, psu, weight, columns)
