"""The generator's digest covers the code that images depend on."""

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import gliosynth
from gliosynth.cohort.lineage import SOURCES, generator_digest, generator_id

if TYPE_CHECKING:
    from conftest import SmallSpec

PACKAGE = Path(gliosynth.__file__).parent
PLAIN = {"__init__.py", "errors.py", "labels.py", "volume.py"}
"""Modules of names and checks, which no voxel depends on."""


def test_every_module_of_the_simulator_is_in_the_digest() -> None:
    """Whatever `simulate_case` imports lies under one of `SOURCES`, so that no change of it goes unnoticed."""
    script = "import sys, gliosynth.contrast.simulate; print(*[m.__file__ for n, m in sys.modules.items()"
    script += " if n.startswith('gliosynth')], sep='\\n')"
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True).stdout
    modules = {Path(line).relative_to(PACKAGE).as_posix() for line in printed.splitlines()}
    assert "contrast/simulate.py" in modules
    covered = {module for module in modules if any(module == one or module.startswith(f"{one}/") for one in SOURCES)}
    assert modules - covered <= PLAIN


def test_every_source_exists() -> None:
    """A renamed part is noticed here and not by a digest of nothing."""
    assert all((PACKAGE / source).exists() for source in SOURCES)


def test_the_generator_is_named_with_version_and_digest(small_spec: "SmallSpec") -> None:
    """Kind, version and the first digits of the digest."""
    digest = generator_digest()
    assert re.fullmatch("[0-9a-f]{64}", digest)
    assert generator_id(small_spec()) == f"simulator/{gliosynth.__version__}@sha256:{digest[:16]}"
