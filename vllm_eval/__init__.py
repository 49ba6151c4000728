"""How a prompt is scored: questions, engines, answers, metrics, statistics."""
