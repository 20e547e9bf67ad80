ALTER TABLE responses DELETE WHERE node = {node:UInt16} SETTINGS mutations_sync = 2
