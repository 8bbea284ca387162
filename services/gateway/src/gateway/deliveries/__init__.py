"""Results to other systems: destinations, one outbox with a lane for each, and proof that each has arrived."""
