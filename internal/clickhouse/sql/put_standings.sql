INSERT INTO standings (wave, digest, case_id, disposition, class, eligible, counts)
