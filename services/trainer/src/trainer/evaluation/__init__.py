"""How good a model is, and how sure that can be said: figures with patient-level intervals."""

from trainer.evaluation.metrics import evaluate, evaluate_directory, expected_calibration_error

__all__ = ["evaluate", "evaluate_directory", "expected_calibration_error"]
