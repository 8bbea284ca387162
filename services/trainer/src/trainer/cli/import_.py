"""``ictus-train import``."""

import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ictus.domain.enums import Modality
from trainer.cli.console import DryRun, console, spoken_errors
from trainer.data.manifest import LabelLevel

if TYPE_CHECKING:
    from trainer.data.importing import Gathered
    from trainer.data.manifest import DatasetManifest, KnownShortcut

_KEY_BYTES = 32


def import_(
    source: Annotated[
        Path,
        typer.Argument(
            exists=True, file_okay=False, help="The folder to import from; it is never written to."
        ),
    ],
    output: Annotated[Path, typer.Argument(help="The folder of the new version.")],
    version: Annotated[str, typer.Option(help="Of the data set, for example 1.")],
    origin: Annotated[str, typer.Option("--source", help="Where the data comes from, for people.")],
    licence: Annotated[str, typer.Option(help="Under which it may be used; SPDX where there is one.")],
    name: Annotated[
        str | None, typer.Option(help="Of the data set, lower case; else the folder's name.")
    ] = None,
    citation: Annotated[str, typer.Option(help="What a model card must cite.")] = "",
    task: Annotated[str, typer.Option(help="What the labels say.")] = "haemorrhage-ct",
    modality: Annotated[
        Modality, typer.Option(help="Of every picture; other series are left out.")
    ] = Modality.CT,
    label_level: Annotated[
        LabelLevel, typer.Option(help="Whether a label speaks of its slice or of the whole patient.")
    ] = LabelLevel.SLICE,
    table: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="The CSV; else slice_labels.csv in the folder."),
    ] = None,
    file_column: Annotated[str, typer.Option(help="File or folder, relative to the folder.")] = "file",
    patient_column: Annotated[
        str, typer.Option(help="Empty: the DICOM header names the patient.")
    ] = "patient",
    number_column: Annotated[str, typer.Option(help="Slice number; empty: there is none.")] = "slice_no",
    label_column: Annotated[str, typer.Option(help="A blank label leaves the line out.")] = "slice_ich",
    stroke_value: Annotated[
        list[str] | None,
        typer.Option(
            help="Label that means stroke, any other one none; else 1, true, yes, stroke. Repeatable."
        ),
    ] = None,
    age_column: Annotated[str, typer.Option(help="Years; 90 and older become 90.")] = "",
    sex_column: Annotated[str, typer.Option(help="F, M or O.")] = "",
    series_column: Annotated[
        str, typer.Option(help="Of pictures: its values, sorted, number a patient's series from 0.")
    ] = "",
    subtype_column: Annotated[
        list[str] | None, typer.Option(help="A column of 1 and 0 for a subtype. Repeatable.")
    ] = None,
    pseudonym_key: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False,
            help="File with the key that replaces patient names and numbers; made when it is missing. The same key "
            "gives the same pseudonyms in every import. Keep it apart from the data.",
        ),
    ] = None,
    known_shortcut: Annotated[
        list[str] | None,
        typer.Option(
            metavar="BASELINE=REASON",
            help="Carry a finding: the baseline's AUC is measured and written down with the reason, and "
            "`check` no longer stops for it. Repeatable.",
        ),
    ] = None,
    join_patients: Annotated[
        bool,
        typer.Option(
            "--join-patients",
            help="The patient is a guess: join those who share a picture that comes twice, or whose numbers run on "
            "with pictures that continue one another. Groups with both labels are left out.",
        ),
    ] = False,
    mirror_calm_half: Annotated[
        bool,
        typer.Option(
            "--mirror-calm-half",
            help="Make a control instead: each picture's calmer half stands for both, so that one-sided lesions are "
            "gone. What a network still finds on it is no lesion.",
        ),
    ] = False,
    copy: Annotated[
        bool, typer.Option("--copy", help="Copy pictures; otherwise files/ is a link to the folder.")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    r"""Make an immutable version of a data set: `dataset.json`, whose digest is its name, and `files/`.

    The source is a folder with a CSV. Each line labels a picture, a DICOM file, a folder with a DICOM series or a NIfTI
    volume, told apart by content. Pictures stay as they are; scans go through the same sandboxed intake as an upload and
    are kept slice by slice without their headers. Or it is a folder with `cases.jsonl`: the platform's own cases.

    Nothing that may identify a patient is taken: not in pseudonyms, not in file names. A version that is there is never
    changed; the same import again gives the same digest.

    For example:

        ictus-train import ../data/ct-ich datasets/ct-ich-1 --version 1 --licence CC-BY-4.0 \
            --source "PhysioNet ct-ich 1.3.0" --citation "Hssayeni et al., Data 2020, 5(1), 14"

        ictus-train import ../data/mri-stroke datasets/mri-1 --version 1 --licence unknown --source Kaggle \
            --table ../data/mri-stroke/labels.csv --label-column label --patient-column group_guess \
            --number-column number --series-column sequence_guess --join-patients --label-level patient \
            --task ischaemia-mr --modality MR

        ictus-train import /archive/heads datasets/heads-1 --version 1 --licence internal --source "our PACS" \
            --table labels.csv --patient-column "" --number-column "" --pseudonym-key ~/heads.key --dry-run
    """
    from trainer.data.cases import CASES_FILE  # noqa: PLC0415
    from trainer.data.importing import (  # noqa: PLC0415 (scikit-learn and pydicom take seconds to import)
        Description,
        Pseudonyms,
        gather_cases,
        gather_folder,
        manifest_of,
        publish,
    )
    from trainer.data.importing import join_patients as join_together  # noqa: PLC0415
    from trainer.data.load import LABELS_FILE  # noqa: PLC0415
    from trainer.data.table import Columns  # noqa: PLC0415

    chosen = name or source.resolve().name.lower()
    description = Description(chosen, version, task, modality, label_level, origin, licence, citation)
    carried = _carried(known_shortcut or [])
    with spoken_errors(), tempfile.TemporaryDirectory(prefix="ictus-import-") as folder:
        pseudonyms = Pseudonyms(_key(pseudonym_key, dry_run=dry_run))
        if table is None and (source / CASES_FILE).is_file():
            namespace = f"cases of {chosen}"
            gathered = gather_cases(source, description, Path(folder))
        else:
            namespace = pseudonyms.namespace(chosen)
            columns = Columns(
                file=file_column,
                patient=patient_column or None,
                number=number_column or None,
                label=label_column,
                age=age_column or None,
                sex=sex_column or None,
                series=series_column or None,
                subtypes=tuple(subtype_column or ()),
                stroke_values=tuple(stroke_value or ()),
            )
            labels = table or source / LABELS_FILE
            gathered = gather_folder(
                source,
                labels,
                columns,
                description,
                pseudonyms,
                Path(folder),
                copy=copy,
                report=console.print,
            )
        if join_patients:
            found = join_together(gathered, description)
            console.print(
                f"joined {found.by_duplicates} patients by pictures that come twice, {found.by_runs} more by runs"
            )
        if mirror_calm_half:
            from trainer.data.control import make_control  # noqa: PLC0415

            control = Path(folder) / "control"
            gathered.examples = make_control(gathered.examples, gathered.files, control)
            gathered.files = control
        manifest = manifest_of(description, namespace, gathered)
        if carried:
            known = _measured(manifest, gathered, carried)
            manifest = manifest_of(description, namespace, gathered, known)
        _tell(manifest, gathered)
        if dry_run:
            return
        typer.echo(publish(manifest, gathered.files, output))


def _carried(stated: list[str]) -> dict[str, str]:
    from trainer.data.traits import BASELINES  # noqa: PLC0415

    carried = {}
    for text in stated:
        baseline, _, reason = text.partition("=")
        if baseline not in BASELINES or len(reason) < 10:
            raise typer.BadParameter(
                f"Say BASELINE=REASON, with a baseline of {', '.join(BASELINES)}, and a reason in words.",
                param_hint="--known-shortcut",
            )
        carried[baseline] = reason
    return carried


def _measured(
    manifest: "DatasetManifest", gathered: "Gathered", carried: dict[str, str]
) -> "tuple[KnownShortcut, ...]":
    """What the baselines find under the folds that `check` takes by default, with the stated reasons."""
    from trainer.data.checks import CHECK_FOLDS, CHECK_SEED  # noqa: PLC0415
    from trainer.data.load import dataset_of  # noqa: PLC0415
    from trainer.data.manifest import KnownShortcut  # noqa: PLC0415
    from trainer.data.shortcuts import measure_shortcuts  # noqa: PLC0415
    from trainer.data.splits import patient_folds  # noqa: PLC0415

    dataset = dataset_of(manifest, "", gathered.files)
    baselines = measure_shortcuts(dataset, patient_folds(dataset, CHECK_FOLDS, CHECK_SEED), CHECK_SEED)
    return tuple(
        KnownShortcut(
            baseline=b.name, auc=b.figure.auc, low=b.figure.low, high=b.figure.high, reason=carried[b.name]
        )
        for b in baselines
        if b.name in carried
    )


def _key(file: Path | None, *, dry_run: bool) -> bytes | None:
    if file is None:
        return None
    if not file.exists():
        key = secrets.token_bytes(_KEY_BYTES)
        if not dry_run:
            file.touch(mode=0o600, exist_ok=False)
            file.write_bytes(key)
        return key
    return file.read_bytes()


def _tell(manifest: "DatasetManifest", gathered: "Gathered") -> None:
    examples = manifest.examples
    patients = {e.patient for e in examples}
    stroke = {e.patient for e in examples if e.stroke}
    console.print(
        f"{len(examples)} slices of {len(patients)} patients; {sum(e.stroke for e in examples)} slices of "
        f"{len(stroke)} patients with stroke"
    )
    for reason, count in gathered.left_out.items():
        if count:
            console.print(f"left out: {count} ({reason})", markup=False)
    if gathered.identified:
        console.print(f"{gathered.identified} headers named their patient; nothing of that was kept")
    for known in manifest.known_shortcuts:
        console.print(f"carries a shortcut: {known.baseline}, AUC {known.auc:.3f}", markup=False)
