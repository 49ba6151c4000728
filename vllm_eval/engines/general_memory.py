"""How many questions fit at a time, and what running out of memory looks like."""

import gc
import os
from pathlib import Path

_SHARE = 0.5  # of what is free: allocators fragment and other processes live here too


def free_bytes(device: str) -> int:
    """Memory that can be had now: of the GPU, or the machine's available RAM."""
    if device.startswith("cuda"):
        import torch

        reserved = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + int(reserved)
    info = Path("/proc/meminfo")
    if info.is_file():
        lines = dict(line.split(":", 1) for line in info.read_text().splitlines() if ":" in line)
        if "MemAvailable" in lines:
            return int(lines["MemAvailable"].split()[0]) * 1024
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def rows_that_fit(free: int, row: int, most: int) -> int:
    """Rows of ``row`` bytes in a share of ``free`` bytes: at least 1, at most ``most``."""
    return max(1, min(most, int(free * _SHARE) // max(row, 1)))


def out_of_memory(failure: BaseException) -> bool:
    """CUDA's own error, Python's, or the CPU allocator's RuntimeError."""
    import torch

    if isinstance(failure, torch.cuda.OutOfMemoryError | MemoryError):
        return True
    said = str(failure).lower()
    told = "not enough memory" in said or "can't allocate memory" in said or "out of memory" in said
    return isinstance(failure, RuntimeError) and told


def release(device: str) -> None:
    """Give what is unused back to the device."""
    gc.collect()
    if device.startswith("cuda"):
        import torch

        torch.cuda.empty_cache()
