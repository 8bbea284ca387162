"""Datasets: versions of what can be learned from, made once and never changed."""
