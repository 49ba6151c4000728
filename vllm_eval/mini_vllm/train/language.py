"""Stage 2: merger and low-rank deltas of the language model learn to answer questions about clips.

    python -m vllm_eval.mini_vllm.train.language --steps 280 --out runs/mini_train

Needs the tower of stage 1 in the same folder. Resumes from its last checkpoint; logs to language.log.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from videos.mini.actions import ACTIONS
from vllm_eval.mini_vllm.train.clips import PLACES
from vllm_eval.mini_vllm.train.pool import Pool, load_or_build
from vllm_eval.mini_vllm.train.questions import LAST, Asker, expected_agreement, lesson_at, wording_for
from vllm_eval.mini_vllm.train.text import PREFIX, VIDEO_TOKENS, Asked, LowRankText, pack
from vllm_eval.mini_vllm.train.tower import learning_rate, save
from vllm_eval.mini_vllm.train.vision import TOKEN

RANK, SCALE = 16, 1.0
FACT_WEIGHTS = (0.5, 0.5, 2.0, 2.0)  # what is asked for comes harder than what is seen


# Watched while training, on clips of their own. The first three are the paper's and are not trained on.
WATCHED = {
    "neutral": "What is the action being performed?",
    "human": "Focus only on the person and their motion. Ignore the background, scene, or surroundings. "
    "Based on the person's posture, appearance, and movement, what is the action being performed?",
    "background": "Please just look at the background and not the person. Based on the background scene, "
    "what is the action being performed?",
    "charades": "This is charades: guess what the player is acting out.",
}


class Learner:
    """Everything stage 2 trains, and the step that does it."""

    def __init__(self, out: Path, lr: float, shipped: bool = False) -> None:
        from vllm_eval.mini_vllm.assemble import build_model
        from vllm_eval.mini_vllm.weights import WEIGHTS, Trained, read_trained

        trained = read_trained(WEIGHTS) if shipped else Trained()
        self.past_lessons = shipped

        mini = build_model(torch.float32, None)
        self.tokenizer: Any = mini.tokenizer
        self.asker = Asker(self.tokenizer)
        self.tower: Any = mini.model.model.visual
        seen = trained.visual or torch.load(out / "tower.pt", weights_only=True)["tower"]
        self.tower.load_state_dict(seen)
        torch.manual_seed(1)
        self.text = LowRankText(mini.model.model.language_model, RANK, SCALE)
        self.text.start_from(trained.low_rank)
        self.parameters = [*self.tower.merger.parameters(), *self.text.parameters()]
        self.optimizer = torch.optim.AdamW(self.parameters, lr=lr, weight_decay=0.0, betas=(0.9, 0.98))
        self.step, self.seconds, self.matching = 0, 0.0, 0.0
        self.telling: list[float] = []
        self.matches = self.facts = torch.zeros(0)

    def start(self, pool: Pool) -> None:
        """Bring the video tokens to the size of the word embeddings they will stand among."""
        with torch.no_grad():
            size = self.video(pool.hidden[:64]).float().pow(2).mean().sqrt()
            factor = float(self.text.embed.float().pow(2).mean().sqrt() / size)
            self.tower.merger.mlp[2].weight.mul_(factor)
            self.tower.merger.mlp[2].bias.mul_(factor)

    def video(self, hidden: Tensor) -> Tensor:
        """Tower output [B, 3, 36, 192] -> video tokens [B, 27, 576]."""
        with torch.autocast("cpu", torch.bfloat16):
            merged: Tensor = self.tower.merger(hidden.to(torch.bfloat16))
        return merged.view(len(hidden), VIDEO_TOKENS, TOKEN)

    def logits(self, hidden: Tensor, asked: Sequence[Sequence[Asked]]) -> tuple[Tensor, Tensor]:
        """Logits [answers, vocabulary] and their targets."""
        tokens = self.asker.tokens
        packed = pack(
            tokens(PREFIX),
            tokens("<|vision_end|>")[0],
            tokens("<|video_pad|>")[0],
            asked,
            tokens("<|im_end|>")[0],
        )
        self.matches, self.facts = packed.matches, packed.facts
        return self.text(packed, self.video(hidden)), packed.targets

    def learn(self, hidden: Tensor, asked: Sequence[Sequence[Asked]]) -> float:
        """One step of gradient descent; the mean loss per answer."""
        logits, targets = self.logits(hidden, asked)
        answer = F.cross_entropy(logits, targets)
        match = F.binary_cross_entropy_with_logits(self.text.matched, self.matches)
        facts = F.binary_cross_entropy_with_logits(self.text.told, self.facts, reduction="none").mean(0)
        loss = answer + 2.0 * match + (facts * torch.tensor(FACT_WEIGHTS)).sum()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        self.step += 1
        self.matching, self.telling = float(match.detach()), facts.tolist()
        return float(answer.detach())

    def state(self) -> dict[str, Any]:
        """All of it, to go on from."""
        return {
            "merger": self.tower.merger.state_dict(), "deltas": self.text.deltas.state_dict(),
            "match": self.text.match.state_dict(), "facts": self.text.facts.state_dict(),
            "optimizer": self.optimizer.state_dict(), "step": self.step, "seconds": self.seconds,
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        """The opposite of ``state``."""
        self.tower.merger.load_state_dict(state["merger"])
        self.text.deltas.load_state_dict(state["deltas"])
        self.text.match.load_state_dict(state["match"])
        self.text.facts.load_state_dict(state["facts"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds = state["step"], state["seconds"]


def drawn(pool: Pool, learner: Learner, clips: int, room: int, agree: float, rng: np.random.Generator) -> Any:
    """Clips of the pool, and about each as many questions as ``room`` tokens hold: rows without padding."""
    agrees = pool.agrees.numpy()
    sides = np.flatnonzero(agrees), np.flatnonzero(~agrees)
    chosen = [int(rng.choice(sides[0] if rng.random() < agree else sides[1])) for _ in range(clips)]
    lesson, asked = LAST if learner.past_lessons else lesson_at(learner.step), []
    for clip in chosen:
        action, place = ACTIONS[int(pool.action[clip])], PLACES[int(pool.place[clip])]
        row: list[Asked] = []
        while sum(one.tokens for one in row) < room:
            wording = wording_for(action, bool(agrees[clip]), rng, lesson)
            row.append(learner.asker.about(wording, action, place, rng, lesson))
        asked.append(row[:-1] or row)
    return pool.hidden[chosen], asked


@torch.inference_mode()
def watch(learner: Learner, pool: Pool, clips: int) -> dict[str, float]:
    """SHAcc and SBErr of the watched prompts on clips that disagree, accuracy on clips that agree."""
    rng = np.random.default_rng(5)
    fair = [k for k in range(len(pool.action)) if int(pool.place[k]) < len(ACTIONS)]
    apart = [k for k in fair if not bool(pool.agrees[k])][:clips]
    home = [k for k in fair if bool(pool.agrees[k])][: clips // 2]
    found = {}
    for name, prompt in WATCHED.items():
        human, background = _rates(learner, pool, apart, prompt, rng)
        found[f"{name}_sh"], found[f"{name}_sb"] = round(human, 3), round(background, 3)
    for name in ("neutral", "human"):
        found[f"{name}_home"] = round(_rates(learner, pool, home, WATCHED[name], rng)[0], 3)
    return found


def _rates(
    learner: Learner, pool: Pool, chosen: Sequence[int], prompt: str, rng: np.random.Generator
) -> tuple[float, float]:
    human = background = 0
    letters = [learner.asker.tokens(letter)[0] for letter in "ABCDE"]
    for at in range(0, len(chosen), 24):
        part = chosen[at : at + 24]
        asked, options = [], []
        for clip in part:
            action, place = ACTIONS[int(pool.action[clip])], PLACES[int(pool.place[clip])]
            own = list(dict.fromkeys([action, place]))
            others = [name for name in ACTIONS if name not in own]
            rng.shuffle(others)
            choices = [*own, *others[: 5 - len(own)]]
            rng.shuffle(choices)
            asked.append([learner.asker.mcq(prompt, choices, action)])
            options.append((choices.index(action), choices.index(place)))
        answers = learner.logits(pool.hidden[part], asked)[0][:, letters].argmax(-1).tolist()
        human += sum(answer == right for answer, (right, _) in zip(answers, options, strict=True))
        background += sum(answer == place for answer, (_, place) in zip(answers, options, strict=True))
    return human / len(chosen), background / len(chosen)


def train(options: argparse.Namespace) -> None:
    """Run or resume the stage."""
    options.out.mkdir(parents=True, exist_ok=True)
    learner = Learner(options.out, options.lr, options.shipped)
    agree = options.agree or expected_agreement()
    pool = load_or_build(options.out / "pool.pt", learner.tower, options.pool, agree, seed=1)
    held = load_or_build(options.out / "held.pt", learner.tower, 400, 0.35, seed=2)
    path = options.out / "language.pt"
    if path.exists():
        learner.restore(torch.load(path, weights_only=True))
    elif not options.shipped:
        learner.start(pool)
    began, earlier, recent = time.time(), learner.seconds, []
    with open(options.out / "language.log", "a", encoding="utf-8") as log:
        while learner.step < options.steps:
            for group in learner.optimizer.param_groups:
                group["lr"] = learning_rate(learner.step, options.steps, options.lr, warmup=25)
            rng = np.random.default_rng((learner.step, 3))
            hidden, asked = drawn(pool, learner, options.clips, options.room, agree, rng)
            recent.append(learner.learn(hidden, asked))
            learner.seconds = earlier + time.time() - began
            last = learner.step == options.steps
            if learner.step % 10 == 0 or last:
                line = {
                    "step": learner.step,
                    "seconds": round(learner.seconds),
                    "loss": float(np.mean(recent)),
                    "match": learner.matching,
                    "facts": [round(one, 3) for one in learner.telling],
                }
                recent = []
                if learner.step % 50 == 0 or last:
                    line |= watch(learner, held, 96)
                print(json.dumps(line), file=log, flush=True)
            if learner.step % 25 == 0 or last:
                save(path, learner.state())


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=280)
    parser.add_argument("--clips", type=int, default=12, help="clips per step")
    parser.add_argument("--room", type=int, default=180, help="tokens of questions per clip")
    parser.add_argument("--shipped", action="store_true", help="begin with the weights in the package")
    parser.add_argument("--agree", type=float, help="share of clips whose scene agrees (default: as drawn)")
    parser.add_argument("--pool", type=int, default=8000, help="clips the questions are about")
    parser.add_argument("--lr", type=float, default=1.2e-3, help="peak learning rate")
    parser.add_argument("--out", type=Path, default=Path("runs/mini_train"), help="checkpoints and log")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
