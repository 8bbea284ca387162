"""A destination is away while studies come: all arrive once when it is back, and another one is not kept waiting."""

import time
from concurrent.futures import ThreadPoolExecutor

from tests.interop.ward import BrokenPromiseError, Ward, dicom_study, wait_for
from tests.receivers import LOOPBACK, listening_archive, listening_http

from gateway.dicom_objects.instances import SOP_CLASSES

_SENDERS = 3
_AWAY_AFTER = 10


def destination_is_away(ward: Ward, studies: int, seconds_away: float, patience: float) -> str:
    """Send ``studies`` studies; an archive is shut after the first ones, for ``seconds_away`` and until all are analysed."""
    with listening_archive(*SOP_CLASSES.values()) as archive, listening_http() as server:
        pacs = ward.add_destination(
            name="PACS",
            kind="dicom_store",
            host=LOOPBACK,
            port=archive.port,
            remote_name="PACS",
            content=["sr", "sc", "pm", "pdf"],
        )
        hook = ward.add_destination(name="Messenger", kind="webhook", url=f"{server.url}/hook")
        with ThreadPoolExecutor(_SENDERS) as pool:
            sendings = [pool.submit(ward.send, *dicom_study(number)) for number in range(studies)]
            wait_for(
                lambda: len(_studies_in(archive.objects)) >= min(_AWAY_AFTER, studies // 2),
                "first studies",
                patience,
            )
            archive.stop()
            shut_at = time.monotonic()
            for sending in sendings:
                sending.result()
        wait_for(lambda: len(server.requests) >= studies, "every webhook while the archive is away", patience)
        wait_for(lambda: time.monotonic() - shut_at >= seconds_away, "the outage", seconds_away + 10)
        waiting = ward.destination(pacs)
        if waiting["dead"] or waiting["waiting"] == 0:
            raise BrokenPromiseError(
                f"while the archive was away {waiting['waiting']} waited, {waiting['dead']} were given up"
            )
        archive.start()
        wait_for(lambda: ward.destination(pacs)["waiting"] == 0, "everything delivered", patience)
        states = [one["state"] for one in ward.deliveries(pacs)]
        arrived = _studies_in(archive.objects)
        ids = [request.headers["webhook-id"] for request in server.requests]
        checks = {
            f"{states.count('delivered')} of {studies} deliveries are delivered": states
            == ["delivered"] * studies,
            f"{len(arrived)} of {studies} studies have arrived": len(arrived) == studies,
            f"{sum(n > 1 for n in archive.stored.values())} objects arrived twice": max(
                archive.stored.values()
            )
            == 1,
            f"{len(ids) - len(set(ids))} webhooks came twice": len(ids) == len(set(ids)) == studies,
        }
        ward.admin.delete(f"/api/v1/admin/destinations/{pacs}").raise_for_status()
        ward.admin.delete(f"/api/v1/admin/destinations/{hook}").raise_for_status()
    broken = [words for words, holds in checks.items() if not holds]
    if broken:
        raise BrokenPromiseError("; ".join(broken))
    away = time.monotonic() - shut_at
    return f"{studies} studies, {len(archive.objects)} objects once each, archive away for {min(away, seconds_away):.0f} s or more, {waiting['waiting']} waited"


def _studies_in(objects: dict[str, object]) -> set[str]:
    return {str(one.StudyInstanceUID) for one in list(objects.values())}  # type: ignore[attr-defined]
