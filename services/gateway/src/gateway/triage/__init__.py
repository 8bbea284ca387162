"""A likely stroke wants a person: who has seen it and taken it on, when, and what happens when nobody has."""
