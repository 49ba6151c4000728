"""``python -m vllm_eval.score predictions.csv``."""

import sys

from vllm_eval.score.command import main

if __name__ == "__main__":
    sys.exit(main())
