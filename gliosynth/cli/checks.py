"""What ``gliosynth doctor`` looks at: each check says what it saw and, if it is bad, what to do."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

from gliosynth.client import GliosynthClient, ModelDescription

NEEDED_PACKAGES: Final = ("numpy", "scipy", "SimpleITK", "nibabel", "grpcio", "protobuf")
"""Packages of the library, the client and the command."""

SERVING_PACKAGES: Final = ("onnxruntime", "pydantic-settings", "structlog", "prometheus-client", "grpcio-reflection")
"""Packages of the embedded server."""

OPTIONAL_PACKAGES: Final = ("openvino", "tritonclient")
"""Packages of the other engines."""

NEEDED_MODELS: Final = ("segmenter_wt", "segmenter_tc", "segmenter_et", "skull_strip")
"""Models without which a case cannot be segmented from its native space."""

NEEDED_MEMORY_GIB: Final = 4.0
"""Free memory in GiB below which a whole case may fail: receive buffers, 1 mm volumes and batches."""

SERVICES: Final = (
    "gliosynth.v1.SegmentationService",
    "gliosynth.v1.PreprocessingService",
    "gliosynth.v1.MetricsService",
    "gliosynth.v1.TumourMapService",
    "gliosynth.v1.CohortService",
)
"""Services whose health is asked for."""

MEMORY_FILE: Final = Path("/proc/meminfo")
"""Where Linux tells how much memory is free."""

PROCESSOR_FILE: Final = Path("/proc/cpuinfo")
"""Where Linux tells what the processor can do."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What it is.
        passed: Whether it is good; None where it makes no difference or cannot be seen here.
        seen: What was seen.
        remedy: What to do if it is bad, or ``""``.
    """

    name: str
    passed: bool | None
    seen: str
    remedy: str = ""


def check_python(version: tuple[int, int, int] = sys.version_info[:3]) -> Check:
    """Returns whether this Python is new enough.

    Args:
        version: Major, minor and micro.
    """
    seen = ".".join(str(part) for part in version)
    return Check("Python", version >= (3, 11, 0), seen, "install Python 3.11 or later")


def check_packages() -> list[Check]:
    """Returns whether the packages of client and server are installed, with their versions."""
    needed = [_package(name, "pip install gliosynth") for name in NEEDED_PACKAGES]
    serving = [_package(name, "pip install 'gliosynth[serve]'") for name in SERVING_PACKAGES]
    optional = [Check(name, None, _version(name) or "not installed") for name in OPTIONAL_PACKAGES]
    return needed + serving + optional


def check_memory(meminfo: str) -> Check:
    """Returns whether a whole case fits into the free memory.

    Args:
        meminfo: Text of ``/proc/meminfo``, or ``""`` where there is none.
    """
    lines = (line.split() for line in meminfo.splitlines())
    free_kib = next((int(words[1]) for words in lines if words and words[0] == "MemAvailable:"), None)
    if free_kib is None:
        return Check("Free memory", None, "cannot be seen on this system")
    free_gib = free_kib / 2**20
    remedy = f"free {NEEDED_MEMORY_GIB:.0f} GiB, or use --server with a larger machine"
    return Check("Free memory", free_gib >= NEEDED_MEMORY_GIB, f"{free_gib:.1f} GiB", remedy)


def check_processor(cpuinfo: str) -> Check:
    """Returns which vector instructions the processor has; none is needed, but the engines are slow without AVX2.

    Args:
        cpuinfo: Text of ``/proc/cpuinfo``, or ``""`` where there is none.
    """
    flags = {word for line in cpuinfo.splitlines() if line.startswith("flags") for word in line.split()}
    wanted = {"avx2": "AVX2", "avx512f": "AVX-512", "avx512_bf16": "AVX-512 bf16", "amx_bf16": "AMX bf16"}
    found = [name for flag, name in wanted.items() if flag in flags]
    return Check("Vector instructions", None, ", ".join(found) or "none of AVX2, AVX-512, bf16 was seen")


def check_models(models: Iterable[ModelDescription]) -> list[Check]:
    """Returns whether the models are there, each with version and digest.

    Args:
        models: What the server answered.
    """
    found = {model.identity.name: model.identity for model in models}
    remedy = "restore model_repository/ from the release, or point --model-repository at it"
    checks = []
    for name in (*NEEDED_MODELS, *sorted(set(found) - set(NEEDED_MODELS))):
        identity = found.get(name)
        seen = "missing" if identity is None else f"version {identity.version}, {identity.digest[:19]}"
        checks.append(Check(f"Model {name}", identity is not None, seen, remedy))
    return checks


def check_health(client: GliosynthClient) -> list[Check]:
    """Returns whether each service is serving.

    Args:
        client: Connection to the server.

    Raises:
        GliosynthError: The server does not answer, or lacks a service.
    """
    remedy = "wait until its models are warm, or look into its log"
    health = {service: client.health(service) for service in SERVICES}
    return [Check(service.split(".")[-1], word == "SERVING", word, remedy) for service, word in health.items()]


def _package(name: str, remedy: str) -> Check:
    version = _version(name)
    return Check(name, version is not None, version or "not installed", remedy)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
