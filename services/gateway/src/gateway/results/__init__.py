"""Results: what a completed job said, the worklist's order, and what other services are told of it."""
