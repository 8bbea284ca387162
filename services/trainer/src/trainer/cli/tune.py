"""``ictus-train tune``."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated

import typer

from trainer.cli.console import DataFolder, DryRun, console, spoken_errors
from trainer.cli.recipe import (
    CACHE,
    Cache,
    Jobs,
    Pretrained,
    RecipeFile,
    describe_data,
    load_recipe,
    print_metrics,
    weights_folder,
)


def tune(
    data: DataFolder,
    output: Annotated[Path, typer.Argument(dir_okay=False, help="The recipe file to write.")],
    recipe: RecipeFile = None,
    search: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="JSON of what differs from the standard search."),
    ] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help="For each outer fold and the last search; else the search's.")
    ] = None,
    nested: Annotated[
        bool, typer.Option(help="Also judge the search itself on outer folds that it never sees.")
    ] = True,
    pretrained: Pretrained = None,
    cache: Cache = CACHE,
    jobs: Jobs = 1,
    dry_run: DryRun = False,
) -> None:
    """Search for a better recipe with Optuna, without looking at what it is judged by.

    For each outer fold, a search runs among the other folds' patients and its winner judges the outer fold: those
    figures are printed, and hold for new patients. The recipe that is written comes from a last search over all
    patients. The first trial is the recipe as it is. Trials are kept in `--cache`: a search that was killed goes
    on, and one with more `--trials` begins with those that are done.

    A search file narrows what is tried, for example to the head alone, which takes seconds for each trial:

        {"space": {"frozen_depth": ["all"], "size": [224]}, "trials": 40}

    Then: `ictus-train train DATA OUTPUT --version 0.3.0 --recipe RECIPE`.
    """
    from trainer.data import load_dataset  # noqa: PLC0415
    from trainer.training.tuning import Tuning  # noqa: PLC0415
    from trainer.training.tuning import search as find  # noqa: PLC0415
    from trainer.training.tuning import tune as find_and_judge  # noqa: PLC0415

    with spoken_errors():
        chosen = load_recipe(recipe)
        tuning = Tuning.model_validate_json(search.read_bytes()) if search else Tuning()
        if trials:
            tuning = tuning.model_copy(update={"trials": trials})
        dataset = load_dataset(data)
        folds = describe_data(dataset, chosen)
        if dry_run:
            typer.echo(tuning.model_dump_json(indent=2))
            return
        from trainer.build import CLASSES, judge_held_out  # noqa: PLC0415
        from trainer.data.checks import require_trainable  # noqa: PLC0415
        from trainer.recipe import Recipe  # noqa: PLC0415
        from trainer.training.cross_validation import Prepared, prepare_training  # noqa: PLC0415

        folder = weights_folder(pretrained)

        @lru_cache(maxsize=2)
        def prepared(stated: str) -> Prepared:
            wanted = Recipe.model_validate_json(stated)
            return prepare_training(dataset, wanted, len(CLASSES), folder, cache, jobs=jobs)

        def prepare(wanted: Recipe) -> Prepared:
            return prepared(wanted.model_dump_json())

        require_trainable(dataset, folds, cache=cache / "checks")
        if nested:
            tuned = find_and_judge(chosen, tuning, prepare, folds, cache)
            console.print("What the search is worth on patients that it never saw:")
            print_metrics(judge_held_out(tuned.outer, dataset, chosen))
            best = tuned.recipe
        else:
            best = find(chosen, tuning, prepare, folds >= 0, cache)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(best.model_dump_json(indent=2) + "\n", encoding="utf-8")
