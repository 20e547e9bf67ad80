SELECT DISTINCT name, digest FROM migrations ORDER BY name
