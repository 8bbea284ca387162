"""A challenger beside the champion: unseen on live studies (shadow), or for a share of them (canary)."""
