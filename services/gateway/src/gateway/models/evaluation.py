"""What the figures of registered versions were measured on, so that only like is held against like.

A version that an operator published has its own evaluation, such as a cross-validation over many patients, and, where it
carries a frozen test set, the figures on that too (``..._on_test_set``). What is trained here is measured on the frozen
test set that it took over from the version before, and on nothing else.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from gateway.models.schemas import ModelMetric
from gateway.models.versions import Measured
from gateway.trainings.models import Training
from ictus.model.manifest import ModelManifest

if TYPE_CHECKING:  # its client takes seconds to import
    from ictus.registry import RegisteredVersion

ON_TEST_SET: Final = "_on_test_set"


def measured(
    version: str, registered: Mapping[str, "RegisteredVersion"], made: Mapping[str, Training]
) -> Measured:
    """What a version's figures were measured on.

    Args:
        version: one of ``registered``.
        registered: every version by its name.
        made: the trainings of this installation by the version that they made.
    """
    one = registered[version]
    own_is_test = version in made or _all_on_test_set(one.figures)
    figures = one.figures if own_is_test else _stated(one.figures)
    root = _root(version, made)
    origin = registered.get(root)
    described = origin.parameters if origin else {}
    return Measured(
        test_set=described.get("test_set_sha256", f"of {root}") if figures else None,
        test_patients=_count(described.get("test_patients")) if figures else None,
        test_figures={name: value for name, value in figures.items() if not name.endswith(ON_TEST_SET)},
        on_test_set=own_is_test,
        patients=None if own_is_test else _count(one.parameters.get("patients")),
        how=one.parameters.get("evaluation"),
    )


def on_test_set(manifest: ModelManifest, *, own_is_test: bool) -> dict[tuple[str, str], ModelMetric]:
    """A version's figures on its frozen test set, with their intervals, by level and name."""
    metrics = [ModelMetric.model_validate(one) for one in manifest.metrics]
    if own_is_test:
        return {(one.level, one.name): one for one in metrics if not one.name.endswith(ON_TEST_SET)}
    return {
        (one.level, name): one.model_copy(update={"name": name})
        for one in metrics
        if (name := one.name.removesuffix(ON_TEST_SET)) != one.name
    }


def _root(version: str, made: Mapping[str, Training]) -> str:
    """The version whose frozen test set this one took over, by way of all that were trained in between."""
    while version in made:
        version = made[version].base_version
    return version


def _stated(figures: Mapping[str, float]) -> dict[str, float]:
    return {
        name.removesuffix(ON_TEST_SET): value for name, value in figures.items() if name.endswith(ON_TEST_SET)
    }


def _all_on_test_set(figures: Mapping[str, float]) -> bool:
    """Whether a version that comes from another installation was measured on the test set alone."""
    stated = _stated(figures)
    return bool(stated) and all(figures.get(name) == value for name, value in stated.items())


def _count(stated: str | None) -> int | None:
    return int(stated) or None if stated is not None and stated.isdecimal() else None
