"""The bundled benchmark: drawn people acting in drawn scenes, written in the real datasets' formats."""
