"""inspect-ai's side of benchmarks.engines: run by the interpreter that has it, without any package of ours.

    python engines_inspect.py BASE_URL FOLDER

Reads one path of a JSON file with samples a line from standard input, evaluates them, and prints one line of
JSON: for each sample its id, the reply, and prompt tokens, all of them and those from the cache.
"""

import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any


def main(base_url: str, folder: str) -> None:
    """Until standard input ends."""
    from inspect_ai import Task, eval
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.model import ChatMessageUser, ContentImage, ContentText, GenerateConfig, get_model
    from inspect_ai.solver import generate

    model = get_model("openai-api/served/mini", base_url=base_url, api_key="none")
    config = GenerateConfig(temperature=0.0, max_tokens=5, max_connections=64)

    def sample(one: dict[str, Any]) -> Sample:
        images = [ContentImage(image=path) for path in one["images"]]
        message = ChatMessageUser(content=[*images, ContentText(text=one["text"])])
        return Sample(input=[message], id=one["id"])

    out = sys.stdout
    print("ready", file=out, flush=True)
    for line in sys.stdin:
        samples = json.loads(Path(line.strip()).read_text(encoding="utf-8"))
        with redirect_stdout(sys.stderr):
            task = Task(dataset=MemoryDataset([sample(one) for one in samples]), solver=generate())
            (log,) = eval(
                task, model=model, log_dir=folder, display="none", **config.model_dump(exclude_none=True)
            )
        if log.status != "success":
            sys.exit(f"error: {log.error}")
        print(json.dumps([_told(one) for one in log.samples or []]), file=out, flush=True)


def _told(one: Any) -> tuple[str, str, int, int]:
    usage = one.output.usage
    cached = (usage.input_tokens_cache_read or 0) if usage else 0
    return one.id, one.output.completion, (usage.input_tokens if usage else 0) + cached, cached


if __name__ == "__main__":
    main(*sys.argv[1:])
