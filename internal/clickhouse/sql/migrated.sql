INSERT INTO migrations (name, digest)
