"""OHIF, a viewer that we did not write, in a real browser against our DICOMweb: a study, its slices, our pictures in it."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Final

import httpx
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tests.interop.senders import DICOMWEB, wait_for_study
from tests.interop.ward import BrokenPromiseError, Ward, dicom_study, wait_for

from local.ports import LOOPBACK

REPOSITORY: Final = Path(__file__).resolve().parents[2]
BUILD: Final = REPOSITORY / "build" / "interop"
VIEWER: Final = BUILD / "ohif" / "package" / "dist"
_CHROMIUM: Final = ("/usr/bin/chromium-headless-shell", "/usr/bin/chromium")
_CAPTURES: Final = "1.2.840.10008.5.1.4.1.1.7"
_LEAST_SHADES: Final = 40
"""Grey levels that a head shows and an empty viewport does not."""
_LEAST_COLOURED: Final = 0.01
"""Of the picture's middle, which a heatmap colours and a slice alone does not."""

_COLOUR: Final = 40
"""Between the channels of what is coloured; OHIF's own marks are thin."""

_CONFIGURATION: Final = """
window.config = {
  routerBasename: '/',
  extensions: [],
  modes: [],
  showStudyList: true,
  investigationalUseDialog: { option: 'never' },
  defaultDataSourceName: 'dicomweb',
  dataSources: [{
    namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
    sourceName: 'dicomweb',
    configuration: {
      friendlyName: 'Ictus',
      qidoRoot: '/api/v1/dicomweb',
      wadoRoot: '/api/v1/dicomweb',
      qidoSupportsIncludeField: true,
      imageRendering: 'wadors',
      thumbnailRendering: 'wadors',
      enableStudyLazyLoad: true,
      supportsFuzzyMatching: false,
      supportsWildcard: true,
      omitQuotationForMultipartRequest: true,
    },
  }],
};
"""


def is_installed() -> bool:
    """Whether the built viewer, a browser and Playwright are here."""
    playwright = REPOSITORY / "tests" / "e2e" / "node_modules" / "playwright-core"
    return VIEWER.exists() and _chromium() is not None and playwright.exists()


def viewer_shows(ward: Ward, patience: float) -> str:
    """OHIF lists a study that came by STOW-RS, shows its slices, and our Secondary Captures in it.

    Pictures of all three are kept in build/interop.
    """
    files = dicom_study(9105, slices=8, size=128)
    body = b"".join(b"--b\r\nContent-Type: application/dicom\r\n\r\n" + file + b"\r\n" for file in files)
    ward.machine.post(
        f"{DICOMWEB}/studies",
        content=body + b"--b--\r\n",
        headers={"Content-Type": 'multipart/related; type="application/dicom"; boundary=b'},
    ).raise_for_status()
    study_uid = wait_for_study(ward, files, patience)
    wait_for(lambda: bool(_captures(ward, study_uid)), "our pictures among the study's series", patience)
    (captures,) = _captures(ward, study_uid)
    BUILD.mkdir(parents=True, exist_ok=True)
    program, chromium = str(Path(__file__).with_name("ohif.mjs")), _chromium() or ""
    with _served(ward) as address:
        ran = subprocess.run(
            ["node", program, address, study_uid, captures, str(BUILD), chromium],
            capture_output=True,
            text=True,
            check=False,
            timeout=patience * 3,
        )
    if ran.returncode != 0:
        raise BrokenPromiseError(f"OHIF: {(ran.stderr or ran.stdout).strip()[-400:]}")
    shades = len(np.unique(_middle("ohif-study").max(axis=2)))
    if shades < _LEAST_SHADES:
        raise BrokenPromiseError(f"OHIF shows {shades} shades of grey where a head should be")
    picture = _middle("ohif-capture").astype(np.int16)
    coloured = float((picture.max(axis=2) - picture.min(axis=2) > _COLOUR).mean())
    if coloured < _LEAST_COLOURED:
        raise BrokenPromiseError(f"OHIF shows no heatmap: {coloured:.1%} of our picture is coloured")
    return f"OHIF lists and shows a study of {len(files)} slices and our picture with its heatmap"


def _chromium() -> str | None:
    """A browser, as tests/e2e chooses it."""
    return next((path for path in _CHROMIUM if Path(path).exists()), None)


def _captures(ward: Ward, study_uid: str) -> list[str]:
    """The series of a study that hold our Secondary Captures."""
    answer = ward.machine.get(
        f"{DICOMWEB}/studies/{study_uid}/instances", params={"SOPClassUID": _CAPTURES}
    ).raise_for_status()
    found = answer.json() if answer.content else []
    return sorted({one["0020000E"]["Value"][0] for one in found})


def _middle(picture: str) -> NDArray[np.uint8]:
    """(rows, columns, 3) where the viewport is."""
    shown = np.asarray(Image.open(BUILD / f"{picture}.png").convert("RGB"))
    rows, columns = shown.shape[0] // 4, shown.shape[1] // 3
    return shown[rows:-rows, columns:-columns]


@contextmanager
def _served(ward: Ward) -> Iterator[str]:
    """The viewer and our DICOMweb behind one address, as a hospital's proxy would put them; it adds the key."""
    gateway = httpx.Client(
        base_url=ward.stack.url("gateway"),
        headers={"Authorization": ward.machine.headers["Authorization"]},
        timeout=60,
    )

    class Handler(_Handler):
        upstream = gateway

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        gateway.close()


class _Handler(SimpleHTTPRequestHandler):
    upstream: ClassVar[httpx.Client]
    extensions_map: ClassVar[dict[str, str]] = {
        **SimpleHTTPRequestHandler.extensions_map,
        ".wasm": "application/wasm",
    }

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, directory=str(VIEWER), **options)

    def do_GET(self) -> None:
        """A file of the viewer, its configuration, or an answer of the gateway."""
        path = self.path.partition("?")[0]
        if path.startswith("/api/"):
            answer = self.upstream.get(self.path, headers={"Accept": self.headers.get("Accept", "*/*")})
            self._answer(answer.status_code, answer.headers.get("content-type", ""), answer.content)
        elif path == "/app-config.js":
            self._answer(200, "text/javascript", _CONFIGURATION.encode())
        elif (VIEWER / path.lstrip("/")).is_file():
            super().do_GET()
        else:
            self._answer(200, "text/html", (VIEWER / "index.html").read_bytes())

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""

    def _answer(self, status: int, content_type: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
