"""Reviews: results that wait for a reader, as the feedback service keeps them."""
