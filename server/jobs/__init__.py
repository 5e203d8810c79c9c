"""Video files as jobs: a queue that outlives a restart, and a child process that checks one after the other."""
