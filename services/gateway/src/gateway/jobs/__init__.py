"""Jobs: one analysis of one study; leases and fencing tokens in Postgres, a doorbell on Redis."""
