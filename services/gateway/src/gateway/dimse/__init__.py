"""Studies that come by DICOM: the listener (C-ECHO, C-STORE), its peers, and the spool it shares with STOW-RS."""
