INSERT INTO weight_sets (wave, name, digest, cases)
