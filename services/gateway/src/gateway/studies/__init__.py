"""Studies: upload, de-identified objects, encrypted identity, worklist and pictures."""
