INSERT INTO standing_sets (wave, number, digest, cases, eligible)
