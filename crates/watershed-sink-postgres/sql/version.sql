SELECT version FROM _meta WHERE program = 'watershed'
