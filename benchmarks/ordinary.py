"""What do few ordinary clips tell of the accuracy a prompt loses on others: wrong answers, or probabilities?

    python -m benchmarks.ordinary --history sqlite:///runs/history.db

The best proposals of every search in the history, and the human-focused prompt, are asked about all ordinary
clips of both kinds, kinetics:train and kinetics:val; what is known costs nothing. Told is how what a prompt
loses on train against the neutral prompt, in accuracy and in the mean probability of the right label, goes
with the accuracy it loses on val: the correlation over prompts on all of train, and its mean and spread over
subsets of it. That is what agents/agreement.py rests on.
"""

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.agreement import probability
from agents.config import RunConfig
from benchmarks.record import append
from prompts.history import History
from prompts.library import HUMAN_FOCUSED, NEUTRAL
from prompts.prompt import Prompt

Values = NDArray[np.float64]
SUBSETS, DRAWS = (40, 60, 80, 100, 120), 500


def found(history: History, each: int) -> list[Prompt]:
    """Neutral, human-focused, and the best proposals of every search, each text once."""
    prompts = {one.id: one for one in (NEUTRAL.prompt, HUMAN_FOCUSED.prompt)}
    for run in history.runs():
        if not history.proposals(run.id):
            continue  # no search
        view = history.view(run.id, f"{RunConfig().data.swap}/tune")
        proposed = [one.prompt for one in view.scored if one.position >= 0 and one.metrics.n >= 16]
        prompts |= {one.id: one for one in proposed[:each]}
    return list(prompts.values())


def asked(history: History, prompts: Sequence[Prompt]) -> dict[str, tuple[Values, Values]]:
    """By clip set: [prompts, clips] right or wrong, and the probability of the right label."""
    from videos.datasets import load
    from videos.store import FrameStore
    from vllm_eval.engines import load_engine
    from vllm_eval.evaluator import Evaluator
    from vllm_eval.target import open_engine, policy_of, question_of

    target = RunConfig().target
    ask, policy = question_of(target), policy_of(target)
    run_id = history.start_run({"benchmark": "ordinary"}, 0)
    engine = open_engine(target, load_engine)
    evaluator = Evaluator(engine, FrameStore(), policy, ask, history, run_id)
    told = {}
    for name in ("kinetics:train", "kinetics:val"):
        clips = load(name, "mini")
        evaluator.frame_store.fill(clips.clips, policy)
        scored = evaluator.evaluate(prompts, clips)
        right, likely = np.zeros((2, len(prompts), len(clips)))
        for row, prompt in enumerate(prompts):
            for column, (clip, answer) in enumerate(zip(clips.clips, scored[prompt.id].answers, strict=True)):
                labels = ask.ask(prompt.text, clip, clips.classes).labels
                right[row, column] = answer.label == clip.human
                likely[row, column] = probability(answer, clip.human, labels)
        told[name] = (right, likely)
    engine.close()
    history.finish_run(run_id, {"command": "benchmarks.ordinary"})
    return told


def losses(values: Values, clips: NDArray[np.intp] | None = None) -> Values:
    """Per prompt but the first, neutral, how much lower its mean is than neutral's."""
    means = (values if clips is None else values[:, clips]).mean(axis=1)
    return np.asarray(means[0] - means[1:], np.float64)


def told(answers: dict[str, tuple[Values, Values]]) -> dict[str, Any]:
    """Correlations of what is lost on train with the accuracy lost on val, and the ratio of their means."""
    lost = losses(answers["kinetics:val"][0])
    rng = np.random.default_rng(0)
    clips = answers["kinetics:train"][0].shape[1]
    result: dict[str, Any] = {
        "prompts": len(lost),
        "clips": {name: values[0].shape[1] for name, values in answers.items()},
        "accuracy lost on val, points": [round(100 * one, 2) for one in lost.tolist()],
    }
    for measure, values in zip(("accuracy", "probability"), answers["kinetics:train"], strict=True):
        seen = losses(values)
        result[measure] = {
            "lost on train, points": [round(100 * one, 2) for one in seen.tolist()],
            "r": round(float(np.corrcoef(seen, lost)[0, 1]), 3),
            "points on val for one of these": round(float(lost.mean() / seen.mean()), 2),
        }
        for count in (one for one in SUBSETS if one < clips):
            drawn = [losses(values, rng.permutation(clips)[:count]) for _ in range(DRAWS)]
            of = [float(np.corrcoef(one, lost)[0, 1]) for one in drawn if one.std() > 0]
            spread = {"mean": round(float(np.mean(of)), 3), "sd": round(float(np.std(of)), 3)}
            result[measure][f"r on {count} clips"] = spread
    return result


def _main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--history", default="sqlite:///runs/history.db", help="where searches are kept")
    parser.add_argument("--each", type=int, default=6, help="best proposals of every search")
    options = parser.parse_args()
    with History(options.history) as history:
        print(append("ordinary", told(asked(history, found(history, options.each)))))


if __name__ == "__main__":
    _main()
