"""People and API clients: registration, sign-in, sessions, passwords, keys."""
