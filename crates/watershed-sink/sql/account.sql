SELECT account FROM _accounts WHERE connection = :connection
