"""The same seed gives the same bytes on every machine: other processors, BLAS kernels and numbers of threads."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

PROGRAM = Path(__file__).with_name("digest_cases.py")
LIBRARY = Path(__file__).parents[2] / "gliosynth"
DISPATCHED: list[str] = np._core._multiarray_umath.__cpu_dispatch__  # type: ignore[attr-defined]
NO_AVX512 = " ".join(name for name in DISPATCHED if name.startswith("AVX512") or name == "X86_V4")

MACHINES = {
    "one thread": {"OPENBLAS_NUM_THREADS": "1"},
    "two threads, no AVX-512": {
        "OPENBLAS_NUM_THREADS": "2",
        "OPENBLAS_CORETYPE": "Haswell",
        "NPY_DISABLE_CPU_FEATURES": NO_AVX512,
    },
    "no AVX at all": {
        "OPENBLAS_NUM_THREADS": "1",
        "OPENBLAS_CORETYPE": "Prescott",
        "NPY_DISABLE_CPU_FEATURES": " ".join(DISPATCHED),
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2_Usable,-FMA_Usable,-AVX2,-FMA,-FMA4,-AVX512F",
    },
}
"""Machines that environment variables can imitate on a newer one (NumPy's, OpenBLAS's and the C library's dispatch)."""


def run(variables: dict[str, str], interpreter: list[str], *what: str) -> dict[str, Any]:
    """Returns what the program prints in an environment of its own."""
    foreign = ("OMP_", "OPENBLAS_", "NPY_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    environment |= {"PYTHONPATH": str(LIBRARY.parent), "PYTHONDONTWRITEBYTECODE": "1", **variables}
    command = [*interpreter, str(PROGRAM), *what]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.fixture(scope="module")
def here() -> dict[str, Any]:
    """What this machine makes, with all its features."""
    return run({}, [sys.executable], "case", "cases", "cohort")


@pytest.mark.parametrize("name", list(MACHINES))
def test_the_same_seed_makes_the_same_bytes_on_an_older_machine(name: str, here: dict[str, Any]) -> None:
    """Arrays, gzipped images, sampled parameters, painted maps and a cohort's manifest are equal, digest by digest."""
    there = run(MACHINES[name], [sys.executable], "cases", "cohort")
    assert there["cases"] == here["cases"]
    assert there["cohort"] == here["cohort"]


def test_the_imitated_machine_is_another_one(here: dict[str, Any]) -> None:
    """NumPy's own functions do differ there; else the test above would show nothing."""
    features = np._core._multiarray_umath.__cpu_features__  # type: ignore[attr-defined]
    if not any(features.get(name) for name in ("AVX2", "X86_V3")):
        pytest.skip("this processor is itself the oldest machine of the list")
    assert run(MACHINES["no AVX at all"], [sys.executable])["witness"] != here["witness"]


def test_an_emulated_processor_makes_the_same_bytes(here: dict[str, Any]) -> None:
    """The whole interpreter on an emulated Nehalem (2008: SSE4.2, no AVX, no FMA), down to the gzip kernels."""
    emulator = shutil.which("qemu-x86_64")
    if emulator is None:
        pytest.skip("no qemu-x86_64; apt-get install qemu-user")
    packages = os.pathsep.join([str(LIBRARY.parent), *(path for path in sys.path if path.endswith("-packages"))])
    interpreter = [emulator, "-cpu", "Nehalem", str(Path(sys.executable).resolve())]
    there = run({"PYTHONPATH": packages, "OPENBLAS_NUM_THREADS": "1"}, interpreter, "case")
    assert there["case"] == here["case"]
    assert there["witness"] != here["witness"]


MACHINE_DEPENDENT = re.compile(
    "exp|exp2|expm1|log|log2|log10|log1p|logaddexp|pow|power|float_power|cbrt|sin|cos|tan|sinh|cosh|tanh"
    "|arcsin|arccos|arctan|arctan2|asin|acos|atan|atan2|matmul|dot|vdot|inner|tensordot"
    "|qr|svd|eig|eigh|solve|lstsq|inv|det|pinv|lognormal|erf|erfc|expit|logit|gaussian_filter"
)
"""Functions whose last bits depend on processor, kernel or number of threads; `gliosynth.elementary` has the others.

(`gaussian_filter` itself does not, but its kernel comes from NumPy's exp.)
"""

ALLOWED = {
    "plane_steps.py": "its products are of integers that float64 holds exactly",
    "label_map_reference.py": "the plain form promises no bits",
}


def machine_dependent(path: Path) -> list[str]:
    """Returns the calls and operators of a module that give other bits on other machines."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(func=ast.Attribute(value=owner, attr=name)) if MACHINE_DEPENDENT.fullmatch(name):
                found.append(f"{path.name}:{node.lineno} {ast.unparse(owner)}.{name}")
            case ast.BinOp(op=ast.MatMult()):
                found.append(f"{path.name}:{node.lineno} @")
            case ast.BinOp(op=ast.Pow(), right=ast.Constant(value=int())):
                pass
            case ast.BinOp(op=ast.Pow(), left=ast.Constant(), right=ast.UnaryOp() | ast.Constant()):
                pass
            case ast.BinOp(op=ast.Pow()):
                found.append(f"{path.name}:{node.lineno} {ast.unparse(node)}")
    return found


@pytest.mark.parametrize("folder", ["contrast", "tumour", "cohort", "cohort/anatomies", "cohort/dataset"])
def test_nothing_that_makes_a_case_depends_on_the_machine(folder: str) -> None:
    """No exp, log, sine, power or matrix product but those whose bits are fixed."""
    modules = [path for path in sorted((LIBRARY / folder).glob("*.py")) if path.name not in ALLOWED]
    assert modules
    assert [line for path in modules for line in machine_dependent(path)] == []
