"""Any storm of triggers becomes at most one training per workload, and every trigger gets an answer."""
