"""Embeddings of a data set, computed once by the graph that serving runs, and kept on disk.

With frozen backbones the head sees nothing but the pooled feature vectors, so they are all that training
needs. Taking them from the exported graph means that training and serving cannot differ.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from tqdm import tqdm

from ictus.model.manifest import INPUT_PIXELS, OUTPUT_EMBEDDING, file_sha256
from ictus.model.preprocess import PreprocessParams, prepare
from trainer.data import read_picture

Float32 = NDArray[np.float32]


def open_session(graph: Path, threads: int) -> onnxruntime.InferenceSession:
    """An ONNX Runtime session on the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def embed_pictures(
    paths: Sequence[Path],
    preprocess: PreprocessParams,
    graph: Path,
    backbones: str,
    cache: Path,
    threads: int = 2,
) -> Float32:
    """Embeddings of pictures as they are and mirrored left to right.

    Args:
        paths: pictures to embed.
        preprocess: how they become network input.
        graph: the exported graph, beside its weights.
        backbones: digest of the frozen weights.
        cache: folder of earlier results; one file for each set of pictures, preprocessing and weights.
        threads: of ONNX Runtime.

    Returns:
        (n, 2, features) float32: [:, 0] as they are, [:, 1] mirrored.
    """
    kept = cache / f"{_cache_key(paths, preprocess, backbones)}.safetensors"
    if kept.is_file():
        return load_file(kept)["embedding"]
    session = open_session(graph, threads)
    rows = []
    for path in tqdm(paths, desc="embedding slices", unit="slice"):
        pixels = prepare(read_picture(path), preprocess).pixels
        both = np.concatenate([pixels, pixels[..., ::-1]])
        rows.append(session.run([OUTPUT_EMBEDDING], {INPUT_PIXELS: both})[0])
    embedding: Float32 = np.stack(rows)
    cache.mkdir(parents=True, exist_ok=True)
    part = kept.with_suffix(".part")
    save_file({"embedding": embedding}, part)
    part.replace(kept)
    return embedding


def _cache_key(paths: Sequence[Path], preprocess: PreprocessParams, backbones: str) -> str:
    digest = hashlib.sha256(f"{backbones} {preprocess.model_dump_json()}".encode())
    for path in paths:
        digest.update(file_sha256(path).encode())
    return digest.hexdigest()[:32]
