-- Keys that a listing has brought, page by page.
SELECT keys FROM listing WHERE task = :task ORDER BY page;
