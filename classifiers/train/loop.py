"""Trainer: the loop. Plain torch; DistributedDataParallel where torchrun started several processes."""

import json
import math
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from assets.errors import UserError
from classifiers.config import Config
from classifiers.data.sets import Sets
from classifiers.models import build_model
from classifiers.train import state
from classifiers.train.batches import Plan, inputs, loader
from classifiers.train.processes import Processes

LAST, BEST, LOG, DONE = "last.pt", "best.pt", "log.jsonl", "done.json"
_SAVE_SECONDS = 120.0
_GAIN = 1e-2  # what counts as one, of validation accuracy (the paper's threshold, relative)
Told = Callable[[dict[str, Any]], None]


class Trainer:
    """One run in ``config.folder``. ``run`` trains until done, stopped, or out of its time."""

    def __init__(self, config: Config, sets: Sets, processes: Processes, resume: bool = False) -> None:
        self.config, self.sets, self.processes = config, sets, processes
        self.device = processes.device
        torch.manual_seed(config.seed)  # the same first weights everywhere
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
        model = build_model(config.model, config.size.size(len(sets.classes))).to(self.device)
        self.model = model.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        torch.manual_seed(config.seed * 1000 + processes.rank)
        self.parallel: nn.Module = self.model
        if processes.world > 1:
            self.parallel = DistributedDataParallel(self.model)
        recipe = config.recipe
        kind = torch.optim.AdamW if recipe.name == "modern" else torch.optim.Adam
        self.optimizer = kind(self.model.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay)
        self.average = state.Average(self.model, recipe.ema) if recipe.ema else None
        self.progress = state.Progress(lr=recipe.lr)
        self.plan = plan_of(config, len(sets.train), processes)
        self.ratios: list[Tensor] = []
        self._stop = False
        self._start(resume)

    @property
    def done(self) -> bool:
        """All epochs, or stopped early."""
        patience = self.config.recipe.patience
        tired = patience is not None and self.progress.stale >= patience
        return self.progress.epoch >= self.config.recipe.epochs or tired

    def run(self, told: Told, seconds: float | None = None, steps: int | None = None) -> bool:
        """Train; True when done. ``seconds`` and ``steps`` end it earlier, with everything saved."""
        end = time.monotonic() + seconds if seconds is not None else math.inf
        left = math.inf if steps is None else steps
        saved = time.monotonic()
        with self._signals():
            while not self.done:
                for _ in self._epoch():
                    left -= 1
                    stop = bool(self.processes.summed(self._stop or time.monotonic() > end or left <= 0)[0])
                    if stop and self.progress.step < self.plan.steps:
                        self._save()
                        return False
                    if time.monotonic() - saved > _SAVE_SECONDS:
                        self._save()
                        saved = time.monotonic()
                told(self._close_epoch())
                if (
                    not self.done
                    and self.processes.summed(self._stop or time.monotonic() > end or left <= 0)[0]
                ):
                    return False
        self._finish()
        return True

    def _start(self, resume: bool) -> None:
        last = self.config.folder / LAST
        if not resume:
            if last.exists():
                raise UserError(
                    f"{self.config.folder} holds a run already: --resume goes on with it, or remove it"
                )
            return
        if last.exists():
            self._load(state.read(last, self.device))

    def _epoch(self) -> Iterator[None]:
        """Optimizer steps from where progress stands to the end of the epoch."""
        self.parallel.train()
        config, progress = self.config, self.progress
        places = self.plan.epoch(config.seed, progress.epoch, progress.step)
        batches = iter(loader(self.sets.train, places, config.workers, self.device.type == "cuda"))
        while progress.step < self.plan.steps:
            start = time.perf_counter()
            self._step(batches)
            progress.seconds += time.perf_counter() - start
            progress.step += 1
            yield

    def _step(self, batches: Iterator[list[Tensor]]) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self._lr()
        self.optimizer.zero_grad(set_to_none=True)
        parts = self.config.recipe.accumulate
        for part in range(parts):
            start = time.perf_counter()
            pixels, mask, labels = next(batches)
            self.progress.waited += time.perf_counter() - start
            with self._quietly(part < parts - 1):
                self._part(pixels, mask, labels, parts)
        self.optimizer.step()
        if self.average:
            self.average.update(self.model, self.progress.epoch * self.plan.steps + self.progress.step)

    def _part(self, pixels: Tensor, mask: Tensor, labels: Tensor, parts: int) -> None:
        video, masks = inputs(pixels, mask, self.device)
        labels = labels.to(self.device)
        with self._precision():
            logits = self.parallel(video, masks)
        loss = F.cross_entropy(logits.float(), labels)
        if not torch.isfinite(loss):
            raise UserError(
                f"the loss is {loss.item()} in epoch {self.progress.epoch}: try a smaller recipe.lr"
            )
        (loss / parts).backward()  # type: ignore[no-untyped-call]
        self.progress.loss += float(loss.detach()) * len(labels)
        self.progress.right += int((logits.argmax(1) == labels).sum())
        self.progress.seen += len(labels)
        if isinstance(getattr(self.model, "ratio", None), Tensor):
            self.ratios.append(self.model.ratio.float().cpu())

    def _quietly(self, quiet: bool) -> Any:
        """Processes exchange gradients once a step, not once a part."""
        from contextlib import nullcontext

        if quiet and isinstance(self.parallel, DistributedDataParallel):
            return self.parallel.no_sync()
        return nullcontext()

    def _precision(self) -> torch.autocast:
        on = self.config.recipe.precision == "bfloat16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=on)

    def _lr(self) -> float:
        recipe, progress = self.config.recipe, self.progress
        if recipe.name == "paper":
            return progress.lr
        total = recipe.epochs * self.plan.steps
        step, warm = progress.epoch * self.plan.steps + progress.step, max(1, round(recipe.warmup * total))
        if step < warm:
            return recipe.lr * (step + 1) / warm
        return recipe.lr * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm)))

    def _close_epoch(self) -> dict[str, Any]:
        progress, lr = self.progress, self._lr()
        accuracy = self._validate()
        loss, right, seen = self.processes.summed(progress.loss, progress.right, progress.seen)
        row = {
            "epoch": progress.epoch, "loss": loss / seen, "accuracy": right / seen,
            "validation": accuracy, "lr": lr, "seconds": round(progress.seconds, 2),
            "data_wait": round(progress.waited / max(progress.seconds, 1e-9), 4),
            "clips_per_second": round(seen / max(progress.seconds, 1e-9), 2),
        } | self._ratio()  # fmt: skip
        progress.log.append(row)
        self._note(accuracy)
        progress.next_epoch()
        self._save()
        return row

    def _ratio(self) -> dict[str, float]:
        """Mean and spread of Weighted-Focus's ratio over the clips since the last call: does it collapse?"""
        if not self.ratios:
            return {}
        all_ratios, self.ratios = torch.cat(self.ratios), []
        return {"ratio_mean": float(all_ratios.mean()), "ratio_sd": float(all_ratios.std(correction=0))}

    def _note(self, accuracy: float) -> None:
        """Best epoch, early stop, plateau; the best weights are kept as they are now."""
        progress = self.progress
        progress.stale += 1
        if accuracy > progress.best:
            progress.best, progress.best_epoch, progress.stale = accuracy, progress.epoch, 0
            if self.processes.first:
                state.write(self.config.folder / BEST, self._weights())
        progress.plateau_stale += 1
        if accuracy > progress.plateau_best * (1 + _GAIN) or progress.plateau_best < 0:
            progress.plateau_best, progress.plateau_stale = accuracy, 0
        elif progress.plateau_stale > self.config.recipe.plateau:
            progress.lr, progress.plateau_stale = progress.lr * 0.1, 0

    @torch.no_grad()
    def _validate(self) -> float:
        own = self.model.state_dict()
        if self.average:
            own = {name: one.clone() for name, one in own.items()}
            self.model.load_state_dict(self.average.weights)
        self.model.eval()
        plan = Plan(len(self.sets.validation), 64, 1, self.processes.rank, self.processes.world)
        right = seen = 0
        for pixels, mask, labels in loader(self.sets.validation, plan.once(), self.config.workers, False):
            with self._precision():
                logits = self.model(*inputs(pixels, mask, self.device))
            right += int((logits.argmax(1).cpu() == labels).sum())
            seen += len(labels)
        if self.average:
            self.model.load_state_dict(own)
        right_all, seen_all = self.processes.summed(right, seen)
        return right_all / seen_all

    def _weights(self) -> dict[str, Any]:
        weights = self.average.weights if self.average else self.model.state_dict()
        about = self.config.model_dump(mode="json") | {"classes": list(self.sets.classes)}
        return {"model": weights, "about": json.dumps(about), "epoch": self.progress.epoch}

    def _save(self) -> None:
        randomness = self.processes.gathered(state.randomness(self.device))
        ratios = self.processes.gathered(torch.cat(self.ratios) if self.ratios else torch.zeros(0))
        if not self.processes.first:
            return
        folder = self.config.folder
        values = {
            "trained": self.model.state_dict(), "average": self.average.weights if self.average else {},
            "optimizer": self.optimizer.state_dict(), "progress": asdict(self.progress),
            "randomness": randomness, "ratios": ratios, "key": self.config.key,
        }  # fmt: skip
        state.write(folder / LAST, values | self._weights())
        _replace(folder / LOG, "".join(json.dumps(row) + "\n" for row in self.progress.log))

    def _load(self, saved: dict[str, Any]) -> None:
        if saved.get("key") != self.config.key:
            raise UserError(
                f"{self.config.folder / LAST} is of another configuration; remove it or change output"
            )
        self.model.load_state_dict(saved["trained"])
        self.optimizer.load_state_dict(saved["optimizer"])
        if self.average:
            self.average.weights = saved["average"]
        self.progress = state.Progress(**saved["progress"])
        ranks = saved["randomness"]
        mine = self.processes.rank % len(ranks)
        state.restore_randomness(ranks[mine], self.device)
        ratio = saved["ratios"][mine].cpu()
        self.ratios = [ratio] if len(ratio) else []

    def _finish(self) -> None:
        if self.processes.first:
            progress = self.progress
            summary = {"epochs": progress.epoch, "best": progress.best, "best_epoch": progress.best_epoch}
            _replace(self.config.folder / DONE, json.dumps(summary | {"last": progress.log[-1]}) + "\n")

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Ctrl-C ends the step, saves and stops; a second one does not wait."""

        def stop(number: int, frame: object) -> None:
            self._stop = True
            signal.signal(signal.SIGINT, signal.default_int_handler)

        try:
            old = signal.signal(signal.SIGINT, stop)
        except ValueError:  # not in the main thread
            yield
            return
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, old)


def plan_of(config: Config, length: int, processes: Processes) -> Plan:
    """How epochs are cut. Raises UserError where processes would get unequal parts of a batch: the mean of
    their gradients would not be that of the batch, or a part be empty."""
    recipe, world = config.recipe, processes.world
    if recipe.batch % (recipe.accumulate * world):
        raise UserError(
            f"recipe.batch {recipe.batch} cannot be divided evenly among {world} processes with "
            f"{recipe.accumulate} parts each; expected a multiple of {recipe.accumulate * world}"
        )
    if length < recipe.batch:
        raise UserError(f"{length} training clips do not fill a batch of {recipe.batch}; lower recipe.batch")
    return Plan(length, recipe.batch, recipe.accumulate, processes.rank, world)


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)
