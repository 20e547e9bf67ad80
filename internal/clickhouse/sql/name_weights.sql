INSERT INTO weight_sets (wave, name, version, digest, cases, record)
