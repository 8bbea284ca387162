"""Build the API page, one HTML file that needs no network: ``python deploy/build_docs.py FOLDER``."""

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

HERE = Path(__file__).resolve().parent
OPENAPI = HERE.parent / "frontend" / "openapi.json"


def operations_by_tag(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Group the operations by their first tag, in the document's order."""
    grouped: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            tag = operation.get("tags", ["other"])[0]
            grouped[tag].append({**operation, "method": method.upper(), "path": path})
    return dict(grouped)


def type_name(schema: dict[str, Any]) -> str:
    """Say in a few words what a JSON schema allows."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for union in ("anyOf", "oneOf", "allOf"):
        if union in schema:
            return " or ".join(type_name(option) for option in schema[union])
    if schema.get("type") == "array":
        return f"list of {type_name(schema.get('items', {}))}"
    if "enum" in schema:
        return ", ".join(json.dumps(value) for value in schema["enum"])
    return str(schema.get("const", schema.get("format", schema.get("type", "any"))))


def build(folder: Path) -> Path:
    """Write ``api.html`` into `folder`; give its path."""
    document = json.loads(OPENAPI.read_text())
    environment = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True, trim_blocks=True)
    environment.filters["type_name"] = type_name
    page = environment.get_template("api.html.j2").render(api=document, tags=operations_by_tag(document))
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "api.html"
    target.write_text(page)
    return target


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    print(build(parser.parse_args().folder))
