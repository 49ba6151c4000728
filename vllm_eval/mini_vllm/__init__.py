"""The bundled video language model: a small, real Qwen2-VL checkpoint and the recipe that trained it."""
