"""Sign-in of people at the hospital's own provider, by OpenID Connect, beside local accounts."""
