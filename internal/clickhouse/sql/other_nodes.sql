SELECT count() FROM (SELECT 1 FROM responses WHERE node != {node:UInt16} LIMIT 1)
