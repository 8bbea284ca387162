"""The secrets of an installation outlive an upgrade."""

import json

from local.secret_files import Credentials


def test_a_secret_that_an_older_installation_lacks_is_made_once_and_kept(tmp_path):
    kept = tmp_path / "installation.json"
    first = Credentials.load_or_create(kept)
    older = json.loads(kept.read_text())
    del older["trainer_token"]
    kept.write_text(json.dumps(older))
    upgraded = Credentials.load_or_create(kept)
    assert upgraded.trainer_token not in {"", first.trainer_token}
    assert upgraded.gateway_password == first.gateway_password
    assert Credentials.load_or_create(kept) == upgraded
    assert kept.stat().st_mode & 0o777 == 0o600
