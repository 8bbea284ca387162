"""What other services did here, saw or were refused, and when: append-only, in the transaction of the deed."""
