"""``python -m trainer.cli``: the same as ``ictus-train``."""

from trainer.cli import app

if __name__ == "__main__":
    app()
