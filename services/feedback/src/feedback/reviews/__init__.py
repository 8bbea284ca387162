"""Reviews: the results that wait for a reader, in the order in which one should look at them."""
