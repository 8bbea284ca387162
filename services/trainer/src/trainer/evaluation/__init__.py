"""How good a model is, and how sure that can be said: figures with patient-level intervals."""

from trainer.evaluation.bootstrap import EvaluationError
from trainer.evaluation.directory import evaluate_directory, judge_directory
from trainer.evaluation.metrics import evaluate, expected_calibration_error

__all__ = [
    "EvaluationError",
    "evaluate",
    "evaluate_directory",
    "expected_calibration_error",
    "judge_directory",
]
