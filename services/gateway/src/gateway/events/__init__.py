"""Events: what happened to a study, written with the change itself and streamed to browsers."""
