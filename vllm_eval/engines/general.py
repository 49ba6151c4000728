"""The general path of the transformers engine: any supported model through its own forward.

A clip's `system + video` is computed once by the model itself, its key/value cache kept, bounded by memory;
questions are asked over it, several clips at a time. See docs/transformers_engine.md.
"""

import logging
import time
from collections import deque
from collections.abc import Iterator, Sequence

from assets.errors import UserError
from vllm_eval.engine import Answer, Request
from vllm_eval.engines.batching import Ask, by_clip
from vllm_eval.engines.general_memory import free_bytes, release, rows_that_fit
from vllm_eval.engines.general_model import GeneralModel, HeadedPrefix
from vllm_eval.engines.general_rows import Continuation, PrefixRows, alone
from vllm_eval.engines.general_work import ClipWork, Part, serve
from vllm_eval.engines.prefix_cache import PrefixCache
from vllm_eval.parse import kind_of, read_reply
from vllm_eval.rendered import Rendered

CPU_ROWS, GPU_ROWS = 32, 64
KEPT_SHARE = 0.4  # of free memory, for prefixes

_SMALLER = "use fewer or smaller frames, a smaller dtype or a smaller model"

log = logging.getLogger(__name__)


class GeneralEngine:
    """A ``GeneralModel`` behind the Engine protocol. Options are those of ``TransformersEngine``."""

    def __init__(
        self,
        model: GeneralModel,
        batch_size: int | None = None,
        cache_bytes: int | None = None,
        reuse: bool = True,
        max_new_tokens: int = 16,
        system: str | None = None,
    ) -> None:
        self.reuse = reuse
        self.max_new_tokens = max_new_tokens
        self._device = model.device
        self._model: GeneralModel | None = model
        kept = int(free_bytes(model.device) * KEPT_SHARE)
        self.cache = PrefixCache(kept if cache_bytes is None else cache_bytes)
        self._most = batch_size or (GPU_ROWS if model.device.startswith("cuda") else CPU_ROWS)
        self._fixed = batch_size is not None
        self._row: int | None = None  # bytes of the largest row seen
        self._fingerprint = _fingerprint(model, max_new_tokens, system)
        self._calls = 0
        self._answered = False

    @property
    def batch_size(self) -> int:
        """Clips asked together: as many as memory is free for, from the largest prompt seen so far on."""
        if not self.reuse:
            return 1
        if self._fixed:
            return self._most
        if self._row is None:
            return 1
        return rows_that_fit(free_bytes(self._device), self._row, self._most)

    @property
    def fingerprint(self) -> str:
        """Model, revision, backend, version, number format and scoring."""
        return self._fingerprint

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """One answer per request, round by round. Finish a call before the next begins.

        Raises UserError where not even one question fits into memory, and for a letter that isn't one token.
        Then what was answered before has been yielded.
        """
        self._calls += 1
        call = self._calls
        for request in requests:
            self._loaded().template.suffix.letter_ids(request.question.letters)
        for lettered in (True, False):
            part = [request for request in requests if bool(request.question.letters) is lettered]
            clips = by_clip(part)
            at = 0
            while at < len(clips):
                group = clips[at : at + self.batch_size]
                at += len(group)
                for answer in self._group(group):
                    yield answer
                    if self._calls != call:
                        raise RuntimeError("this engine was asked again before it had finished answering")

    def rendered(self, request: Request) -> Rendered:
        """The prompt of a request as the model reads it. Raises UserError as ``answer`` does."""
        model = self._loaded()
        media, question = model.see(request.frames()), request.question
        suffix = model.template.suffix.suffixes([question])[0]
        text = str(model.tokenizer.decode([*model.template.head(_collapsed(media.text, model)), *suffix]))
        return Rendered(
            text=text,
            prompt_tokens=len(model.template.head(media.text)) + len(suffix),
            video_tokens=media.video_tokens,
            letters=dict(
                zip(question.letters, model.template.suffix.letter_ids(question.letters), strict=True)
            ),
        )

    def close(self) -> None:
        """Give back the model's memory."""
        self._model = None
        self.cache.clear()
        release(self._device)

    def _group(self, group: Sequence[list[Request]]) -> Iterator[Answer]:
        work: list[ClipWork] = []
        for requests in group:
            found = self._open(requests)
            if isinstance(found, ClipWork):
                work.append(found)
            else:
                yield from (_failed(request, found) for request in requests)
        work.sort(key=lambda clip: len(clip.asks), reverse=True)
        if not work:
            return
        yield from serve(work, self._round, self._spill, self._give_up)

    def _open(self, requests: list[Request]) -> ClipWork | Exception:
        """The clip's questions with its kept prefix, or its pixels. What fails about one clip is returned."""
        model, media_id = self._loaded(), requests[0].media_id
        suffixes = model.template.suffix.suffixes([request.question for request in requests])
        asks = [Ask(request, ids) for request, ids in zip(requests, suffixes, strict=True)]
        asks.sort(key=lambda ask: len(ask.ids), reverse=True)
        kept = self.cache.get(media_id) if self.reuse else None
        if isinstance(kept, HeadedPrefix):
            return ClipWork(media_id, deque(asks), None, kept, True)
        try:
            media = model.see(requests[0].frames())
        except Exception as failure:  # whatever a decoder raises: it is about this clip
            return failure
        return ClipWork(media_id, deque(asks), media, None, False)

    def _round(self, part: Part) -> list[Answer]:
        """The first open question of each clip."""
        import torch

        began = time.perf_counter()
        with torch.inference_mode():
            if self.reuse:
                texts, scores = self._read(part.clips, self._ask(part))
            else:
                said = [self._alone(clip) for clip in part.clips]
                texts, scores = [one[0][0] for one in said], [one[1][0] for one in said]
        seconds = (time.perf_counter() - began) / len(part.clips)
        made = [self._answer(*one, seconds) for one in zip(part.clips, texts, scores, strict=True)]
        for clip in part.clips:
            clip.cached = self.reuse
        self._answered = True
        return made

    def _ask(self, part: Part) -> Continuation:
        model = self._loaded()
        if part.rows is None:
            part.rows = PrefixRows(model, [self._prefix(clip) for clip in part.clips])
            self._measure(part)
        rows: PrefixRows = part.rows
        return rows.ask([clip.asks[0].ids for clip in part.clips])

    def _prefix(self, clip: ClipWork) -> HeadedPrefix:
        if clip.prefix is None:
            assert clip.media is not None
            clip.prefix = self._loaded().prefix(clip.media)
            clip.media = None
            self.cache.put(clip.media_id, clip.prefix)
        return clip.prefix

    def _alone(self, clip: ClipWork) -> tuple[list[str], list[tuple[float, ...] | None]]:
        assert clip.media is not None
        return self._read([clip], alone(self._loaded(), clip.media, clip.asks[0].ids))

    def _read(
        self, clips: Sequence[ClipWork], said: Continuation
    ) -> tuple[list[str], list[tuple[float, ...] | None]]:
        """Letters and log-probabilities from one pass, or text from several."""
        model = self._loaded()
        questions = [clip.asks[0].request.question for clip in clips]
        if not questions[0].letters:
            replies = said.greedy(self.max_new_tokens)
            texts = model.tokenizer.batch_decode(replies, skip_special_tokens=True)
            return [text.strip() for text in texts], [None] * len(texts)
        letters, scores = [], []
        for question, row in zip(questions, said.logits.log_softmax(dim=-1), strict=True):
            values = row[model.template.suffix.letter_ids(question.letters)].tolist()
            letters.append(question.letters[max(range(len(values)), key=values.__getitem__)])
            scores.append(tuple(values))
        return letters, list(scores)

    def _answer(self, clip: ClipWork, text: str, scores: tuple[float, ...] | None, seconds: float) -> Answer:
        ask = clip.asks[0]
        question = ask.request.question
        label = question.labels[question.letters.index(text)] if scores else read_reply(text, question)
        prefix = self._prefix_tokens(clip)
        return Answer(
            key=ask.request.key,
            text=text,
            label=label,
            kind=kind_of(label, ask.request.clip),
            logprobs=scores,
            prompt_tokens=prefix + len(ask.ids),
            cached_tokens=prefix if clip.cached else 0,
            seconds=seconds,
        )

    def _prefix_tokens(self, clip: ClipWork) -> int:
        if clip.prefix is not None:
            return clip.prefix.tokens
        assert clip.media is not None
        return len(self._loaded().template.head(clip.media.text))

    def _measure(self, part: Part) -> None:
        """Bytes one row takes: its prefix three times over (kept in a row, in the cache, while it grows),
        its suffix's states and scores."""
        model = self._loaded()
        for clip in part.clips:
            assert clip.prefix is not None
            size, tokens = clip.prefix.states.element_size(), clip.prefix.tokens
            new = max(len(ask.ids) for ask in clip.asks) + self.max_new_tokens
            states = clip.prefix.nbytes // tokens * (tokens + new) * 3
            row = states + new * model.width * size * 16 + model.vocabulary * 12
            self._row = max(self._row or 0, row)

    def _spill(self, clips: int) -> bool:
        """Make room: fewer rows from now on, and without kept prefixes where one row is too many."""
        release(self._device)
        if clips > 1:
            self._most = max(1, clips // 2)
            log.warning("out of memory with %d questions at a time, going on with %d", clips, self._most)
            return True
        if not len(self.cache):
            return False
        log.warning("out of memory with one question, kept key/value caches are given up")
        self.cache.clear()
        release(self._device)
        return True

    def _give_up(self, clip: ClipWork) -> list[Answer]:
        """A clip too large where others were not is that clip's error; if none fits, it is the set-up's."""
        if not self._answered:
            raise UserError(f"out of memory with a single question: {_SMALLER}")
        failure = MemoryError(f"the clip alone does not fit into memory: {_SMALLER}")
        return [_failed(ask.request, failure) for ask in clip.asks]

    def _loaded(self) -> GeneralModel:
        if self._model is None:
            raise RuntimeError("this engine was closed")
        return self._model


def _failed(request: Request, failure: Exception) -> Answer:
    reason = f"{type(failure).__name__}: {failure}"
    return Answer(request.key, "", None, "error", None, 0, 0, 0.0, reason)


def _collapsed(text: str, model: GeneralModel) -> str:
    """A video's text with each run of its placeholder standing once."""
    import re

    config = model.source.config
    ids = {getattr(config, name, None) for name in ("video_token_id", "image_token_id")} - {None}
    for pad in sorted(str(model.source.token(one)) for one in ids if one is not None):
        text = re.sub(f"(?:{re.escape(pad)})+", lambda _, pad=pad: pad, text)  # type: ignore[misc]
    return text


def _fingerprint(model: GeneralModel, max_new_tokens: int, system: str | None) -> str:
    import transformers

    said = "" if system is None else f" system={system!r}"
    return (
        f"transformers {transformers.__version__} general {model.identity} "
        f"{str(model.dtype).removeprefix('torch.')} {model.key} letters-or-greedy{max_new_tokens}{said}"
    )
