"""The JSON schemas of what crosses a service border. ``python -m tests.contract.schemas`` keeps them anew."""

import importlib
import json
import pkgutil
from pathlib import Path

from ictus import contracts
from ictus.contracts.base import Contract

KEPT = Path(__file__).with_name("schemas.json")


def current_schemas() -> str:
    """Give every contract's schema by name, as JSON text."""
    for module in pkgutil.iter_modules(contracts.__path__):
        importlib.import_module(f"{contracts.__name__}.{module.name}")
    kinds = sorted(Contract.__subclasses__(), key=lambda kind: kind.__name__)
    schemas = {
        kind.__name__: kind.model_json_schema() for kind in kinds if kind.__module__.startswith("ictus.")
    }
    return json.dumps(schemas, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    KEPT.write_text(current_schemas())
