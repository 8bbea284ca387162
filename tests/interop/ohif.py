"""OHIF, a viewer that we did not write, in a real browser against our DICOMweb: it lists a study and shows it."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Final

import httpx
import numpy as np
from PIL import Image
from tests.interop.senders import DICOMWEB, wait_for_study
from tests.interop.ward import BrokenPromiseError, Ward, dicom_study

from local.ports import LOOPBACK

REPOSITORY: Final = Path(__file__).resolve().parents[2]
BUILD: Final = REPOSITORY / "build" / "interop"
VIEWER: Final = BUILD / "ohif" / "package" / "dist"
CHROMIUM: Final = "/usr/bin/chromium"
_LEAST_SHADES: Final = 40
"""Grey levels that a head shows and an empty viewport does not."""

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
    return VIEWER.exists() and Path(CHROMIUM).exists() and playwright.exists()


def viewer_shows(ward: Ward, patience: float) -> str:
    """OHIF lists a study that came by STOW-RS and shows its slices; a picture of both is kept in build/interop."""
    files = dicom_study(9105, slices=8, size=128)
    body = b"".join(b"--b\r\nContent-Type: application/dicom\r\n\r\n" + file + b"\r\n" for file in files)
    ward.machine.post(
        f"{DICOMWEB}/studies",
        content=body + b"--b--\r\n",
        headers={"Content-Type": 'multipart/related; type="application/dicom"; boundary=b'},
    ).raise_for_status()
    study_uid = wait_for_study(ward, files, patience)
    BUILD.mkdir(parents=True, exist_ok=True)
    with _served(ward) as address:
        ran = subprocess.run(
            ["node", str(Path(__file__).with_name("ohif.mjs")), address, study_uid, str(BUILD), CHROMIUM],
            capture_output=True,
            text=True,
            check=False,
            timeout=patience * 3,
        )
    if ran.returncode != 0:
        raise BrokenPromiseError(f"OHIF: {(ran.stderr or ran.stdout).strip()[-400:]}")
    shown = np.asarray(Image.open(BUILD / "ohif-study.png").convert("L"))
    middle = shown[shown.shape[0] // 4 : -shown.shape[0] // 4, shown.shape[1] // 3 : -shown.shape[1] // 3]
    shades = len(np.unique(middle))
    if shades < _LEAST_SHADES:
        raise BrokenPromiseError(f"OHIF shows {shades} shades of grey where a head should be")
    return f"OHIF lists and shows a study of {len(files)} slices"


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
