-- A worker's last exchange.
SELECT body FROM worker WHERE worker = :worker;
