"""How far readers agree with each other and with the model."""

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sklearn.metrics import cohen_kappa_score

from feedback.reviews.agreement import agreement_figure
from ictus.contracts.reviews import Agreement
from ictus.domain.enums import Disposition, Finding

from .conftest import NOON, MakeItem, judge, put

STROKE, NORMAL = Finding.STROKE, Finding.NORMAL


def test_kappa_is_the_one_of_the_reference_implementation() -> None:
    random = np.random.default_rng(7)
    findings = [STROKE, NORMAL, None]
    for _ in range(20):
        one, other = random.integers(0, 3, (2, 50))
        table: dict[tuple[Finding | None, Finding | None], int] = {}
        for left, right in zip(one, other, strict=True):
            pair = (findings[left], findings[right])
            table[pair] = table.get(pair, 0) + 1
        figure = agreement_figure(table)
        assert (figure.compared, figure.agreed) == (50, int((one == other).sum()))
        assert figure.kappa == pytest.approx(cohen_kappa_score(one, other), abs=1e-12)


def test_kappa_is_whole_at_full_agreement_and_says_nothing_where_nothing_differs() -> None:
    assert agreement_figure({(STROKE, STROKE): 3, (NORMAL, NORMAL): 4}).kappa == 1.0
    assert agreement_figure({(STROKE, NORMAL): 5, (NORMAL, STROKE): 5}).kappa == -1.0
    assert agreement_figure({(STROKE, STROKE): 9}).kappa is None
    assert agreement_figure({}).kappa is None


def test_agreement_counts_pairs_of_readers_and_each_reader_against_the_model(
    gateway: TestClient, make_item: MakeItem
) -> None:
    flipped, disputed, confirmed, unread, without_finding = (
        make_item(disposition=Disposition.CONFIDENT),
        make_item(disposition=Disposition.CONFIDENT),
        make_item(),
        make_item(),
        make_item(finding=None, disposition=Disposition.UNSUITABLE, stroke_probability=None),
    )
    for item in (flipped, disputed, confirmed, unread, without_finding):
        put(gateway, item)
    judge(gateway, flipped, STROKE)
    judge(gateway, flipped, STROKE)
    judge(gateway, disputed, STROKE)
    judge(gateway, disputed, NORMAL)
    judge(gateway, confirmed, NORMAL)
    judge(gateway, without_finding, STROKE)

    found = agreement(gateway, site_id=str(flipped.site_id))
    assert (found.verdicts, found.waiting, found.final, found.corrected) == (6, 2, 3, 2)
    assert (found.reader_reader.compared, found.reader_reader.agreed) == (2, 1)
    assert (found.reader_model.compared, found.reader_model.agreed) == (5, 2)
    later = agreement(gateway, site_id=str(flipped.site_id), since="2027-01-01T00:00:00Z")
    assert (later.verdicts, later.final, later.reader_model.compared, later.waiting) == (0, 0, 0, 2)
    assert agreement(gateway, since=NOON.isoformat()).verdicts >= 6
    assert agreement(gateway, site_id="00000000-0000-4000-8000-000000000000").verdicts == 0


def agreement(client: TestClient, **params: str) -> Agreement:
    answer = client.get("/internal/v1/agreement", params=params)
    assert answer.status_code == 200, answer.text
    return Agreement.model_validate_json(answer.content)
