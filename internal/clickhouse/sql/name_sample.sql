INSERT INTO samples (wave, number, digest, cases)
