-- The weight of a case before the last calibration, which standard errors need; 0 is the
-- base weight of the sample.
ALTER TABLE weights ADD COLUMN IF NOT EXISTS base Float64
