-- reading
SELECT first_at, run FROM _listings WHERE listing = :listing AND whole = 1
