SELECT count(*) FROM _left_out WHERE connection = :connection AND why = 'erased'
