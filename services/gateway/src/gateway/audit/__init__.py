"""Who did, saw or was refused what, and when: append-only, in the transaction of the deed."""
