"""Trainings: who asked for them, how far they are, what their candidates came to, and who approved them."""
