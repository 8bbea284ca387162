"""The operators' commands on a real database."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from tests.gateway.installation import Installation

from gateway.auth.models import User
from gateway.cli import main
from gateway.pulls.models import Retrieval, Source, SourceKind
from gateway.settings import GatewaySettings
from gateway.sites.models import Site


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, settings: GatewaySettings) -> None:
    monkeypatch.setenv("ICTUS_DATABASE_URL", settings.database_url.get_secret_value())


@pytest.mark.usefixtures("environment")
def test_first_admin_gets_a_one_time_password_printed_once(installation: Installation) -> None:
    written: list[str] = []
    assert main(["create-admin", "--email", "Admin@Clinic.local"], write=written.append) == 0
    email, password = "".join(written).split()
    assert email == "admin@clinic.local"

    browser = installation.browser()
    signed_in = browser.post("/api/v1/auth/login", json={"email": email, "password": password}).json()
    assert signed_in["user"]["role"] == "admin"
    assert signed_in["user"]["must_change_password"] is True

    assert main(["create-admin", "--email", "other@clinic.local"], write=written.append) == 0
    assert len("".join(written).splitlines()) == 1, "nothing is printed when there is an administrator"


@pytest.mark.usefixtures("environment")
def test_operator_lets_an_administrator_in_again(installation: Installation) -> None:
    written: list[str] = []
    assert main(["create-admin"], write=written.append, clock=installation.clock) == 0
    email, first = written.pop().split()
    installation.clock.advance(hours=72)
    browser = installation.browser()
    over = browser.post("/api/v1/auth/login", json={"email": email, "password": first})
    assert over.json()["code"] == "one_time_password_over"

    assert main(["reset-password", "--email", email], write=written.append, clock=installation.clock) == 0
    email, second = written.pop().split()
    signed_in = browser.post("/api/v1/auth/login", json={"email": email, "password": second})
    assert signed_in.json()["user"]["must_change_password"] is True
    assert installation.audit()[-2].action == "user.reset_password"
    assert main(["reset-password", "--email", "nobody@clinic.local"], write=written.append) == 1
    assert not written


@pytest.mark.usefixtures("environment")
def test_site_is_made_once(db: Session) -> None:
    written: list[str] = []
    for _ in range(2):
        assert main(["create-site", "Main site"], write=written.append) == 0
    assert written[0] == written[1]
    assert db.scalar(select(func.count()).select_from(Site)) == 1


@pytest.mark.usefixtures("environment")
def test_migrating_again_changes_nothing(installation: Installation, db: Session) -> None:
    assert main(["create-admin"], write=lambda _: None) == 0
    assert main(["migrate"]) == 0
    assert db.scalar(select(func.count()).select_from(User)) == 1


def test_command_names_the_setting_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ICTUS_DATABASE_URL", raising=False)
    monkeypatch.delenv("ICTUS_SECRETS_DIR", raising=False)
    with pytest.raises(SystemExit, match="ICTUS_DATABASE_URL"):
        main(["migrate"])


@pytest.mark.usefixtures("environment")
def test_archive_to_fetch_from_is_entered_for_a_site(db: Session) -> None:
    written: list[str] = []
    pacs = ["add-source", "PACS", "--site", "Clinic", "--host", "10.0.0.7", "--port", "104"]
    assert main([*pacs, "--ae-title", "PACS", "--retrieval", "get"], write=written.append) == 0
    web = [
        "add-source",
        "Web archive",
        "--site",
        "Clinic",
        "--dicomweb",
        "https://pacs.example.org/dicom-web",
    ]
    assert main(web, write=written.append) == 0
    assert main(["add-source", "Neither"], write=written.append) == 1
    found = db.scalars(select(Source).order_by(Source.name)).all()
    assert [f"{one.id}\n" for one in found] == written
    assert [(one.kind, one.host, one.remote_name, one.retrieval) for one in found] == [
        (SourceKind.DIMSE, "10.0.0.7", "PACS", Retrieval.GET),
        (SourceKind.DICOMWEB, None, "ANY-SCP", Retrieval.MOVE),
    ]
    assert {one.site_id for one in found} == {db.scalars(select(Site.id).where(Site.name == "Clinic")).one()}
