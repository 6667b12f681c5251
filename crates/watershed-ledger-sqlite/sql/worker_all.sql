-- All workers whose last exchange is kept.
SELECT worker FROM worker ORDER BY worker;
