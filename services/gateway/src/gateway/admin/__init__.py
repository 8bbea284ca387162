"""What administrators do: let people in, give roles and sites, reset passwords, issue API keys."""
