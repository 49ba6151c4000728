"""The fast path of the transformers engine: exact reuse of clips' key/value caches, letters from one pass.

A clip's `system + video` is computed once and kept; every question about it then costs its own tokens only,
batched over clips. Lettered questions are scored by the log-probabilities of their letters at the first
position of the answer, all others by greedy generation.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vllm_eval.engine import Answer, Request
from vllm_eval.engines.batching import Ask, Round, by_clip, groups, rounds
from vllm_eval.engines.patches import Patches, cut
from vllm_eval.engines.positions import PLACING
from vllm_eval.engines.prefix_cache import Prefix, PrefixCache
from vllm_eval.parse import kind_of, read_reply
from vllm_eval.rendered import Rendered

if TYPE_CHECKING:
    import torch

    from vllm_eval.engines.decoding import Rows
    from vllm_eval.engines.video_model import Embedded, VideoModel

GIB = 1 << 30
CPU_ROWS, GPU_ROWS = 32, 64


@dataclass
class _Clip:
    """A clip of the group in work: its questions, and its patches or, once computed, its prefix."""

    requests: list[Request]
    patches: Patches | None
    prefix: Prefix | None
    cached: bool  # its prefix needed no computing for the next answer


@dataclass(frozen=True)
class _Batch:
    """What one forward pass said about one question of each row."""

    texts: list[str]
    labels: list[str | None]
    logprobs: list[tuple[float, ...] | None] = field(default_factory=list)


class FastEngine:
    """A ``VideoModel`` behind the Engine protocol. Options are those of ``TransformersEngine``."""

    def __init__(
        self,
        model: "VideoModel",
        batch_size: int | None = None,
        cache_bytes: int | None = None,
        reuse: bool = True,
        max_new_tokens: int = 16,
        system: str | None = None,
    ) -> None:
        self.reuse = reuse
        self.max_new_tokens = max_new_tokens
        self._model: VideoModel | None = model
        on_gpu = model.device.startswith("cuda")
        self.batch_size = batch_size or (GPU_ROWS if on_gpu else CPU_ROWS)
        self.cache = PrefixCache(_cache_bytes(on_gpu) if cache_bytes is None else cache_bytes)
        self._fingerprint = _fingerprint(model, max_new_tokens, system)
        self._workspace: torch.Tensor | None = None
        self._calls = 0

    @property
    def fingerprint(self) -> str:
        """Model, revision, backend, version, number format and scoring."""
        return self._fingerprint

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """One answer per request, batch by batch. Finish a call before the next begins."""
        self._calls += 1
        call = self._calls
        for lettered in (True, False):
            part = [request for request in requests if bool(request.question.letters) is lettered]
            clips = by_clip(part) if self.reuse else [[request] for request in part]
            for group in groups(clips, self.batch_size):
                for answer in self._group(group):
                    yield answer
                    if self._calls != call:  # the other call has written into the rows this one reads
                        raise RuntimeError("this engine was asked again before it had finished answering")

    def rendered(self, request: Request) -> Rendered:
        """The prompt of a request as the model reads it. Raises UserError as ``answer`` does."""
        model = self._loaded()
        template, question = model.template, request.question
        suffix = template.suffixes([question])[0]
        video = _patches(request, model).tokens(model.settings.merge)
        letters = template.letter_ids(question.letters)
        return Rendered(
            text=str(model.tokenizer.decode([*template.head, *suffix])),
            prompt_tokens=len(template.prefix(video)) + len(suffix),
            video_tokens=video,
            letters=dict(zip(question.letters, letters, strict=True)),
        )

    def close(self) -> None:
        """Give back the model's memory."""
        self._model = None
        self._workspace = None
        self.cache.clear()

    def _group(self, group: Sequence[list[Request]]) -> Iterator[Answer]:
        began = time.perf_counter()
        clips = []
        for requests in group:
            found = self._open(requests)
            if isinstance(found, _Clip):
                clips.append(found)
            else:
                yield from (_failed(request, found) for request in requests)
        if not clips:
            return
        suffixes = [
            [Ask(r, ids) for r, ids in zip(c.requests, self._suffixes(c), strict=True)] for c in clips
        ]
        room = max(len(ask.ids) for asks in suffixes for ask in asks) + self.max_new_tokens
        rows = self._rows(clips, room) if self.reuse else None
        for batch in rounds(suffixes):
            said = self._ask(rows, clips, batch) if rows else self._compute_all(clips, batch, room)
            seconds = time.perf_counter() - began
            yield from self._answers(clips, batch, said, seconds / len(batch.asks))
            began = time.perf_counter()

    def _open(self, requests: list[Request]) -> "_Clip | Exception":
        """The clip's cached prefix, or its pixels. What goes wrong with one clip's frames is returned."""
        model = self._loaded()
        prefix = self.cache.get(requests[0].media_id) if self.reuse else None
        if prefix is not None:
            return _Clip(requests, None, prefix, True)
        try:
            return _Clip(requests, _patches(requests[0], model), None, False)
        except Exception as failure:  # whatever a decoder raises: it is about this clip
            return failure

    def _suffixes(self, clip: _Clip) -> list[list[int]]:
        return self._loaded().template.suffixes([request.question for request in clip.requests])

    def _rows(self, clips: Sequence[_Clip], room: int) -> "Rows":
        """The group's rows, prefixes of new clips computed and kept."""
        import torch

        from vllm_eval.engines.decoding import compute_prefixes, rows_of

        model = self._loaded()
        new = [clip for clip in clips if clip.prefix is None]
        patches = [clip.patches for clip in new if clip.patches is not None]
        with torch.inference_mode():
            for part in model.portions(patches):
                prefixes = compute_prefixes(model, model.embed(patches[part]), self._space)
                for clip, prefix in zip(new[part], prefixes, strict=True):
                    clip.prefix = prefix
                    clip.patches = None
                    self.cache.put(clip.requests[0].media_id, prefix)
            return rows_of(model, [clip.prefix for clip in clips if clip.prefix], room, self._space)

    def _ask(self, rows: "Rows", clips: Sequence[_Clip], batch: Round) -> _Batch:
        import torch

        model = self._loaded()
        starts = [clip.prefix.position for clip in clips[: len(batch.asks)] if clip.prefix]
        with torch.inference_mode():
            asked = model.embed_text([ask.ids for ask in batch.asks], starts)
            return self._read(rows, asked, batch)

    def _compute_all(self, clips: Sequence[_Clip], batch: Round, room: int) -> _Batch:
        """Without reuse: every row from its pixels to its answer."""
        import torch

        from vllm_eval.engines.decoding import Rows, joined

        model = self._loaded()
        with torch.inference_mode():
            prefixes = model.embed([clip.patches for clip in clips if clip.patches])
            asked = joined(model, prefixes, [ask.ids for ask in batch.asks])
            space = self._space(len(clips), max(prefixes.tokens) + room)
            return self._read(Rows(model, space, [0] * len(clips)), asked, batch)

    def _read(self, rows: "Rows", asked: "Embedded", batch: Round) -> _Batch:
        """Letters from one pass, or text from several."""
        model = self._loaded()
        logits = rows.ask(asked)
        questions = [ask.request.question for ask in batch.asks]
        if not questions[0].letters:
            replies = rows.greedy(logits, self.max_new_tokens)
            texts = [text.strip() for text in model.tokenizer.batch_decode(replies, skip_special_tokens=True)]
            labels = [read_reply(text, question) for text, question in zip(texts, questions, strict=True)]
            return _Batch(texts, labels, [None] * len(texts))
        said = _Batch([], [])
        for question, row in zip(questions, logits.log_softmax(dim=-1), strict=True):
            values = row[model.template.letter_ids(question.letters)].tolist()
            best = max(range(len(values)), key=values.__getitem__)
            said.texts.append(question.letters[best])
            said.labels.append(question.labels[best])
            said.logprobs.append(tuple(values))
        return said

    def _answers(
        self, clips: Sequence[_Clip], batch: Round, said: _Batch, seconds: float
    ) -> Iterator[Answer]:
        model = self._loaded()
        for row, ask in enumerate(batch.asks):
            clip, label = clips[row], said.labels[row]
            prefix = self._prefix_tokens(clip, model)
            yield Answer(
                key=ask.request.key,
                text=said.texts[row],
                label=label,
                kind=kind_of(label, ask.request.clip),
                logprobs=said.logprobs[row],
                prompt_tokens=prefix + len(ask.ids),
                cached_tokens=prefix if clip.cached else 0,
                seconds=seconds,
            )
            clip.cached = self.reuse

    def _prefix_tokens(self, clip: _Clip, model: "VideoModel") -> int:
        if clip.prefix is not None:
            return clip.prefix.tokens
        assert clip.patches is not None
        return len(model.template.head) - 1 + clip.patches.tokens(model.settings.merge)

    def _space(self, rows: int, reach: int) -> "torch.Tensor":
        """A workspace of at least ``reach`` tokens a row: the last one again where it fits."""
        kept = self._workspace
        if kept is None or kept.shape[2] < rows or kept.shape[3] < reach:
            largest = (0, 0) if kept is None else kept.shape[2:4]
            self._workspace = None  # free the old one first
            kept = self._loaded().stack.workspace(
                max(rows, largest[0]), max(-(-reach // 32) * 32, largest[1])
            )
            self._workspace = kept
        return kept

    def _loaded(self) -> "VideoModel":
        if self._model is None:
            raise RuntimeError("this engine was closed")
        return self._model


def _patches(request: Request, model: "VideoModel") -> Patches:
    from vllm_eval.engines.video_model import seconds_between_pairs

    frames = request.frames()
    pair = model.settings.pair
    seconds = seconds_between_pairs(len(frames.indices), frames.total, frames.fps, pair)
    return cut(frames.pixels, model.settings, seconds)


def _failed(request: Request, failure: Exception) -> Answer:
    reason = f"{type(failure).__name__}: {failure}"
    return Answer(request.key, "", None, "error", None, 0, 0, 0.0, reason)


def _cache_bytes(on_gpu: bool) -> int:
    if not on_gpu:
        return GIB
    import torch

    return int(torch.cuda.mem_get_info()[0] * 0.4)


def _fingerprint(model: "VideoModel", max_new_tokens: int, system: str | None) -> str:
    import transformers

    said = "" if system is None else f" system={system!r}"
    return (
        f"transformers {transformers.__version__} {model.identity} {str(model.dtype).removeprefix('torch.')} "
        f"{model.settings.key} {PLACING} letters-or-greedy{max_new_tokens}{said}"
    )
