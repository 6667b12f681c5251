-- mix_listing
-- Its row stays, so that the same late page again is not taken for a new reading.
UPDATE _listings SET whole = 0 WHERE listing = :listing
