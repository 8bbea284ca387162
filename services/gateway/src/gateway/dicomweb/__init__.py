"""DICOMweb (PS3.18): storing (STOW-RS), searching (QIDO-RS) and retrieving (WADO-RS) studies of the caller's site."""
