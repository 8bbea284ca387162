"""What schemathesis must be told to make up bodies of media types that it does not know (``SCHEMATHESIS_HOOKS``)."""

from typing import Any, Final

import schemathesis

_PART: Final = b"--made-up\r\nContent-Type: application/dicom\r\n\r\n%b\r\n--made-up--\r\n"


@schemathesis.serializer("multipart/related")
def related(_context: Any, value: Any) -> bytes:
    """One part that holds what was made up, as STOW-RS (PS3.18 10.5) sends instances."""
    content = value.encode(errors="surrogatepass") if isinstance(value, str) else bytes(value)
    return _PART % content
