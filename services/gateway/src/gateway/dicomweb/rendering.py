"""Pictures of stored frames for viewers without a decoder: the canonical slice through a window (PS3.18 8.3.5)."""

import re
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from gateway.dicomweb.errors import QueryMalformedError
from gateway.studies.schemas import Window

THUMBNAIL_PIXELS: Final = 128
_SIDE: Final = re.compile(r"[1-9][0-9]{0,3}")
_JPEG_QUALITY: Final = 90


def window_of(stated: str | None, default: Window) -> Window:
    """The window that ``window=centre,width,function`` asks for.

    Raises:
        QueryMalformedError: it is none, or of another function than ``linear``.
    """
    if stated is None:
        return default
    parts = stated.split(",")
    try:
        centre, width = float(parts[0]), float(parts[1])
    except (ValueError, IndexError):
        raise QueryMalformedError(
            "'window' must be a centre and a width, as in window=40,80,linear."
        ) from None
    function = parts[2].lower() if len(parts) > 2 else "linear"
    if not np.isfinite([centre, width]).all() or width < 1 or function != "linear" or len(parts) > 3:
        raise QueryMalformedError("'window' must be a centre and a width of at least 1, and linear.")
    return Window(center=centre, width=width)


def viewport_of(stated: str | None) -> tuple[int, int] | None:
    """The (width, height) that ``viewport=width,height`` asks for. Raises ``QueryMalformedError``."""
    if stated is None:
        return None
    parts = stated.split(",")
    if len(parts) != 2 or not all(_SIDE.fullmatch(part) for part in parts):
        raise QueryMalformedError(
            "'viewport' must be a width and a height in pixels, as in viewport=512,512."
        )
    return int(parts[0]), int(parts[1])


def picture(
    voxels: NDArray[np.int16] | NDArray[np.uint8],
    window: Window,
    viewport: tuple[int, int] | None,
    media_type: str,
) -> bytes:
    """A grey JPEG or PNG of a slice.

    Args:
        voxels: (rows, columns) in the canonical volume's units.
        window: PS3.3 C.11.2.1.2, linear.
        viewport: (width, height) that the picture is scaled to fit into, its proportions kept; None: as it is.
        media_type: ``image/jpeg`` or ``image/png``.
    """
    low = window.center - 0.5 - (window.width - 1) / 2
    shades = (voxels.astype(np.float32) - low) / max(window.width - 1, 1) * 255
    grey = np.clip(np.rint(shades), 0, 255).astype(np.uint8)
    if viewport is not None:
        rows, columns = grey.shape
        scale = min(viewport[0] / columns, viewport[1] / rows)
        size = max(1, round(columns * scale)), max(1, round(rows * scale))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR).astype(
            np.uint8
        )
    if media_type == "image/png":
        _, encoded = cv2.imencode(".png", grey)
    else:
        _, encoded = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return encoded.tobytes()
