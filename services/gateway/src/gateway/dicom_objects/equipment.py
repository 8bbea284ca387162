"""Who made the objects, as PS3.3 C.7.5.1 and C.7.5.2 want it said."""

from typing import Final

MANUFACTURER: Final = "Ictus"
MODEL_NAME: Final = "Ictus"
SERIAL_DIGITS: Final = 16
"""So much of the manifest's digest is the device's serial number: it tells two models of one version name apart."""
