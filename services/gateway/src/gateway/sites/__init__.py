"""Sites: the hospitals and departments that every object belongs to."""
