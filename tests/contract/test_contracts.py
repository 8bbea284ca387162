"""What other programs rely on changes only on purpose, with its description in the same commit."""

from pathlib import Path

from tests.contract.schemas import KEPT, current_schemas

from gateway.openapi import openapi_document


def test_openapi_file_describes_the_gateway_as_it_is():
    kept = (Path(__file__).parents[2] / "frontend" / "openapi.json").read_text()
    assert openapi_document() == kept, "run `make client` and commit"


def test_schemas_between_services_are_the_kept_ones():
    current = current_schemas()
    assert current == KEPT.read_text(), (
        "a contract changed: keep old readers working or raise its schema_version, "
        "then run `python -m tests.contract.schemas` and commit"
    )
