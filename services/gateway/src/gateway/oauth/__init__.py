"""OAuth2 for other systems: SMART backend services, their clients, assertions and access tokens."""
