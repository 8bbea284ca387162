"""The suitability check in words: for whoever fits it, and for the model card."""

from ictus.model.suitability import EmbeddingLimits, OrientationLimits, Suitability


def told(suitability: Suitability) -> str:
    """The figures of a fit in a few lines."""
    lines = []
    embedding = suitability.embedding
    for one in embedding.compared if embedding else ():
        mark = "*" if embedding and one.statistic == embedding.statistic else " "
        lines.append(
            f"{mark} {one.statistic}: limit {one.maximum_distance:.3f}, held-out slices refused "
            f"{one.refused:.2%} as they are, {one.refused_changed:.2%} as others export them; drawn pictures "
            f"refused {one.drawn_refused:.1%}, 95 % of them beyond {one.drawn_margin:.2f} of the limit"
        )
    likeness = embedding.likeness if embedding else None
    if likeness is not None:
        lines.append(
            f"  likeness to head CT: limit {likeness.minimum_score:.2f} (penalty {likeness.penalty:g}), held-out slices "
            f"refused {likeness.refused:.2%} as they are, {likeness.refused_changed:.2%} as others export them; "
            f"strangers of kinds left out refused {likeness.strangers_refused:.1%} of {likeness.strangers}"
        )
    orientation: OrientationLimits | None = suitability.orientation
    if orientation is not None:
        lines.append(
            f"  upside down: limit {orientation.minimum_evidence:.2f}, held-out slices refused "
            f"{orientation.upright_refused:.2%} upright, {orientation.turned_refused:.1%} turned; patients' series "
            f"{orientation.upright_series_refused:.2%} upright, {orientation.turned_series_refused:.1%} turned"
        )
    return "\n".join(lines)


def limits_told(suitability: Suitability) -> str:
    """What the model card says of the check's limits, as the last points of a list."""
    embedding, orientation = suitability.embedding, suitability.orientation
    text = "- The suitability check was fitted on these slices; scans from other devices may be called unsuitable.\n"
    if embedding is not None and embedding.likeness is not None:
        line = embedding.likeness
        text += (
            f"- It was shown {line.strangers} pictures of other things as well. Of slices of patients that it was not "
            f"fitted on, its two parts refuse {max(line.refused, line.refused_changed):.1%} and {_distance_refused(embedding):.1%} each, as they\n"
            "  are or as other sites may export them; whose devices differ more than that is not known.\n"
        )
    if orientation is None:
        return text + "- A head that lies upside down is not noticed.\n"
    return text + (
        f"- Of heads upside down it notices {orientation.turned_refused:.0%} of single slices and "
        f"{orientation.turned_series_refused:.0%} of series of patients that it was not\n  fitted on; the others are "
        "judged as if they lay upright.\n"
    )


def _distance_refused(embedding: EmbeddingLimits) -> float:
    chosen = [one for one in embedding.compared if one.statistic == embedding.statistic]
    return max((max(one.refused, one.refused_changed) for one in chosen), default=0.0)
