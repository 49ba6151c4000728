"""`python -m agents.optimize` against the scripted world, as a process that can be killed.

python driver.py SECONDS_PER_ANSWER ANSWER_LOG FLAGS...
"""

import sys
from pathlib import Path
from typing import Any


def main() -> int:
    """Exit status of the command."""
    sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
    import scripted_world as world

    from agents import optimize
    from agents.strategies import STRATEGIES

    strategies: Any = STRATEGIES
    strategies["inventive"] = world.inventive
    engine = world.ScriptedEngine(log=Path(sys.argv[2]), seconds=float(sys.argv[1]))
    return optimize.main(sys.argv[3:], world.parts(engine))


if __name__ == "__main__":
    sys.exit(main())
