"""``ictus-train``: train, evaluate, explain, export, describe and publish a model; one module for each command.

A command's module imports torch, scikit-learn and the MLflow client inside its function, so that ``--help``
and the light commands answer at once.
"""

import typer

from trainer.cli import (
    card,
    check,
    compare,
    cross_validate,
    evaluate,
    explain,
    export,
    import_,
    publish,
    suitability,
    train,
    tune,
)

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="""Makes the models that Ictus serves.

A model is a directory: `weights.pt`, `model.onnx`, `manifest.json` and what belongs to them. A usual round:

    ictus-train check ../data/ct-ich
    ictus-train cross-validate ../data/ct-ich
    ictus-train train ../data/ct-ich models/next --version 0.2.0
    ictus-train evaluate models/next ../data/other-hospital
    ictus-train publish models/next
""",
)
app.command("import")(import_.import_)
app.command("check")(check.check)
app.command("train")(train.train)
app.command("tune")(tune.tune)
app.command("cross-validate")(cross_validate.cross_validate)
app.command("evaluate")(evaluate.evaluate)
app.command("compare")(compare.compare)
app.command("show-leak")(compare.show_leak)
app.command("suitability")(suitability.suitability)
app.command("explain")(explain.explain)
app.command("export")(export.export)
app.command("card")(card.card)
app.command("publish")(publish.publish)
