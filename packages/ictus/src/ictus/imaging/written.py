"""Writing a canonical volume and describing what was written."""

import hashlib
from pathlib import Path

from ictus.imaging.intake import IntakeSeries
from ictus.imaging.volume import HEAD_BYTES, SliceLayout, Volume


def write_volume(
    volume: Volume,
    workdir: Path,
    *,
    description: str,
    series_uid: str,
    source_paths: tuple[Path, ...],
    warnings: tuple[str, ...] = (),
    description_paths: tuple[Path, ...] = (),
) -> IntakeSeries:
    """Write ``volumes/{n}.safetensors`` below the workdir and describe it."""
    folder = workdir / "volumes"
    folder.mkdir(exist_ok=True)
    path = folder / f"{sum(1 for _ in folder.iterdir())}.safetensors"
    volume.write(path)
    with path.open("rb") as file:
        layout = SliceLayout.from_head(file.read(HEAD_BYTES))
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return IntakeSeries(
        modality=volume.modality,
        modality_stated=volume.modality_stated,
        source_format=volume.source_format,
        volume_path=path,
        volume_sha256=digest,
        shape=volume.shape,
        data_offset=layout.data_offset,
        spacing_mm=volume.spacing_mm,
        units=volume.units,
        body_part=volume.body_part,
        description=description,
        series_uid=series_uid,
        source_paths=source_paths,
        warnings=warnings,
        description_paths=description_paths,
    )
