"""The application as operators and browsers meet it."""

from typing import Any as Household


def test_ready_says_which_parts_answer(household: Household) -> None:
    answer = household.browser().get("/health/ready")
    assert answer.status_code == 200
    assert answer.json()["parts"] == {"database": "ok", "redis": "ok", "objects": "ok"}
