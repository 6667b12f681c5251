SELECT account FROM _accounts WHERE connection = $1
