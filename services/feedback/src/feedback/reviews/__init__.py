"""Reviews: results, in the order in which readers should look at them, and what readers say of them."""
