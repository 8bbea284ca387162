"""Makes ``import torchvision`` work beside a torch build that its C operators were not made for.

The models and transforms are plain Python; only the detection operators are compiled. Where they did not
load, torchvision fails at import because it registers fake kernels for operators that do not exist. Naming
the two operators is enough. Import ``torchvision`` from here, so that the order is never wrong.
"""

import torch

_LIBRARY: torch.library.Library | None = None  # the definitions live as long as this object


def _define_missing_operators() -> None:
    global _LIBRARY  # noqa: PLW0603 (torch keeps operators per process, so must we)
    schemas = {
        "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
        "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    }
    missing = [schema for name, schema in schemas.items() if not hasattr(torch.ops.torchvision, name)]
    if missing:
        _LIBRARY = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
        for schema in missing:
            _LIBRARY.define(schema)  # type: ignore[no-untyped-call]


try:
    import torchvision
except RuntimeError:
    _define_missing_operators()
    import torchvision

__all__ = ["torchvision"]
