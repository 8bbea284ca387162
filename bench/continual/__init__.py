"""``make bench-continual``: does a model learn from a new scanner without losing what it knew?"""
