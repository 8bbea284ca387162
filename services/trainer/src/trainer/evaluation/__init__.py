"""How good a model is, and how sure that can be said: figures with patient-level intervals."""

from trainer.evaluation.bootstrap import EvaluationError
from trainer.evaluation.directory import evaluate_directory, judge_directory
from trainer.evaluation.metrics import expected_calibration_error
from trainer.evaluation.published import evaluate, evaluate_in_series

__all__ = [
    "EvaluationError",
    "evaluate",
    "evaluate_directory",
    "evaluate_in_series",
    "expected_calibration_error",
    "judge_directory",
]
