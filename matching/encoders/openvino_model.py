"""A sentence-transformers model compiled by OpenVINO, where the extra `openvino` is installed.

OpenVINO fuses what torch does one by one (projections with their bias, GELU, layer norms), and
computes in bf16 where the processor can.
"""

import logging
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from matching.encoders.protocol import Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Forward = Callable[[NDArray[np.int64], NDArray[np.int64]], Vectors]
"""Token ids (n, t) and mask (n, t), 0 where there is padding, to vectors (n, d)."""

MOST_DIFFERENCE: Final = 1e-3
"""In cosine from torch's float32: beyond it the vectors would not be those of the encoder's id."""
_PROBE_LENGTHS: Final = (3, 17, 60, 128)

logger = logging.getLogger(__name__)


def is_installed() -> bool:
    """True if the extra `openvino` is there."""
    return find_spec("openvino") is not None


def compiled(model: "SentenceTransformer", *, bf16: bool) -> Forward | None:
    """The float32 `model` compiled for this processor; one caller at a time.

    None, with a line in the log, if OpenVINO cannot read the model or gives other vectors.
    """
    try:
        forward = _compiled(model, bf16=bf16)
        difference = _difference(model, forward)
    except Exception:  # whatever it is, torch reads the model as well
        logger.warning("OpenVINO cannot compile the model; torch is used.", exc_info=True)
        return None
    if difference > MOST_DIFFERENCE:
        logger.warning("OpenVINO's vectors differ by %.1e; torch is used.", difference)
        return None
    return forward


def _compiled(model: "SentenceTransformer", *, bf16: bool) -> Forward:
    import openvino
    import torch
    from openvino.properties import hint, inference_num_threads

    class Sentences(torch.nn.Module):
        """The model with tensors in and out, as tracing wants it."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            embedded = self.model({"input_ids": ids, "attention_mask": mask})
            vectors: torch.Tensor = embedded["sentence_embedding"]
            return vectors

    example = torch.ones((2, 8), dtype=torch.long)
    graph = _quietly(
        lambda: openvino.convert_model(Sentences().eval(), example_input=(example, example))
    )
    settings = {
        hint.inference_precision: openvino.Type.bf16 if bf16 else openvino.Type.f32,
        hint.performance_mode: hint.PerformanceMode.LATENCY,
        # As many as torch would take, which follows OMP_NUM_THREADS.
        inference_num_threads: torch.get_num_threads(),
    }
    request = openvino.Core().compile_model(graph, "CPU", settings).create_infer_request()

    def forward(ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Vectors:
        return np.array(request.infer([ids, mask])[0], np.float32)

    return forward


def _quietly(convert: Callable[[], Any]) -> Any:
    """Tracing tells of each choice that it makes by the example, and touches every attribute of the
    model, old ones too: none of it depends on the texts.
    """
    told = logging.getLogger("sentence_transformers")
    level = told.level
    told.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return convert()
    finally:
        told.setLevel(level)


def _difference(model: "SentenceTransformer", forward: Forward) -> float:
    """Largest cosine difference from torch, over a batch of made-up texts with padding."""
    import torch

    random = np.random.default_rng(0)
    size = (len(_PROBE_LENGTHS), max(_PROBE_LENGTHS))
    mask = (np.arange(size[1]) < np.array(_PROBE_LENGTHS)[:, None]).astype(np.int64)
    ids = random.integers(1, len(model.tokenizer), size) * mask
    with torch.inference_mode():
        features: dict[str, Any] = {
            "input_ids": torch.from_numpy(ids),
            "attention_mask": torch.from_numpy(mask),
        }
        expected = model(features)["sentence_embedding"].float().numpy()
    found = forward(ids, mask)
    products = (expected * found).sum(axis=1)
    lengths = np.linalg.norm(expected, axis=1) * np.linalg.norm(found, axis=1)
    return float(np.max(1 - products / lengths))
