"""Training: the frozen part of the network is run once, what follows it learns, and cross-validation judges it."""
