-- A plan.
SELECT body FROM plan WHERE hash = :hash;
