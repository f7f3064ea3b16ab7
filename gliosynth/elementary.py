"""Elementary functions whose bits do not depend on the machine.

NumPy and the C library pick another ``exp``, ``log``, ``pow``, ``sin`` for every generation of processors, and their
last bits differ. Here each function is a fixed sequence of additions, multiplications and divisions, which IEEE 754
rounds exactly and NumPy never fuses, so the same input gives the same bits on every processor. The error is at most
3 units in the last place of the array's type. Arrays of other libraries (torch) take their library's own function:
they make no promise about bits.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from array_api_compat import array_namespace, is_numpy_array
from numpy.typing import NDArray

Real: TypeAlias = Any
"""A float, or an array of float32 or float64 of any library; what comes back is of the same kind."""

_Floats: TypeAlias = NDArray[np.float32] | NDArray[np.float64]

BLOCK: Final = 1 << 15
"""Elements that are computed at a time, so that all intermediate results stay in the cache."""

LN2: Final = {
    np.dtype(np.float32): (0.693359375, -2.12194440e-4),
    np.dtype(np.float64): (6.93147180369123816490e-01, 1.90821492927058770002e-10),
}
"""ln 2 in two parts; the first has few bits, so that its multiples are exact (Cody and Waite 1980)."""

HALF_PI: Final = (1.57079632673412561417e00, 6.07710050650619224932e-11)
"""pi / 2 in two parts, as `LN2`."""

LARGEST_EXPONENT: Final = {np.dtype(np.float32): 87.0, np.dtype(np.float64): 708.0}
"""`exp` saturates at plus and minus this argument: 6e37 and 2e-38 in float32."""

EXP_TERMS: Final = {np.dtype(np.float32): 7, np.dtype(np.float64): 13}
"""Degree of the Taylor polynomial of exp on [-ln 2 / 2, ln 2 / 2]."""

LOG_TERMS: Final = {np.dtype(np.float32): 5, np.dtype(np.float64): 11}
"""Terms of the series of log in s = (m - 1) / (m + 1), abs(s) at most .172."""


def exp(x: Real) -> Real:
    """Returns ``e^x``, saturated at plus and minus `LARGEST_EXPONENT`."""
    return _apply(x, _exp, "exp")


def log(x: Real) -> Real:
    """Returns the natural logarithm of x above 0; the smallest normal number stands in for anything below it."""
    return _apply(x, _log, "log")


def power(x: Real, exponent: float) -> Real:
    """Returns ``x^exponent`` for x of at least 0 and a positive exponent; ``0^exponent`` is 0.

    The relative error grows with ``exponent |log x|``: it is that of ``exp(exponent log x)``.
    """
    if isinstance(x, float | int):
        return float(_power(np.asarray([x], dtype=np.float64), exponent)[0])
    return _blockwise(x, lambda block: _power(block, exponent)) if is_numpy_array(x) else x**exponent


def sin(x: Real) -> Real:
    """Returns the sine of x in radians; computed in float64, exact to 1e-15 for arguments below 1e5."""
    return _apply(x, lambda angle: _wave(angle, 0), "sin")


def cos(x: Real) -> Real:
    """Returns the cosine of x in radians, see `sin`."""
    return _apply(x, lambda angle: _wave(angle, 1), "cos")


def _apply(x: Real, function: Callable[[Any], _Floats], name: str) -> Real:
    """Returns the function of a float, of a NumPy array, or the library's own function of any other array."""
    if isinstance(x, float | int):
        return float(function(np.asarray([x], dtype=np.float64))[0])
    return _blockwise(x, function) if is_numpy_array(x) else getattr(array_namespace(x), name)(x)


def _blockwise(x: _Floats, function: Callable[[Any], _Floats]) -> _Floats:
    """Returns the function of an array, computed block by block."""
    flat = np.ascontiguousarray(x).reshape(-1)
    result = np.empty_like(flat)
    for start in range(0, flat.size, BLOCK):
        result[start : start + BLOCK] = function(flat[start : start + BLOCK])
    return result.reshape(x.shape)


def _polynomial(x: Any, coefficients: Sequence[float]) -> Any:
    """Returns the polynomial by Horner's rule, highest coefficient first, in the type of x."""
    result = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        result *= x
        result += x.dtype.type(coefficient)
    return result


def _exp(x: Any) -> Any:
    """Returns ``2^n e^r`` with ``x = n ln 2 + r``."""
    limit = LARGEST_EXPONENT[x.dtype]
    high, low = (x.dtype.type(part) for part in LN2[x.dtype])
    bounded = np.clip(x, -limit, limit)
    n = np.rint(bounded * x.dtype.type(1.0 / math.log(2.0)))
    r = (bounded - n * high) - n * low
    return _scaled(_polynomial(r, [1.0 / math.factorial(k) for k in range(EXP_TERMS[x.dtype], -1, -1)]), n)


def _scaled(mantissa: Any, n: Any) -> Any:
    """Returns ``mantissa 2^n``: the exponent is written into the bits of 1, which is faster than ldexp."""
    if mantissa.dtype == np.float32:
        return mantissa * ((n.astype(np.int32) + 127) << 23).view(np.float32)
    return mantissa * ((n.astype(np.int64) + 1023) << 52).view(np.float64)


def _log(x: Any) -> Any:
    """Returns ``e ln 2 + 2 artanh((m - 1) / (m + 1))`` with ``x = m 2^e`` and m from sqrt(1/2) to sqrt(2)."""
    high, low = (x.dtype.type(part) for part in LN2[x.dtype])
    m, e = np.frexp(np.maximum(x, np.finfo(x.dtype).tiny))
    small = m < x.dtype.type(math.sqrt(0.5))
    m, e = np.where(small, m + m, m), (e - small).astype(x.dtype)
    s = (m - 1) / (m + 1)
    series = s * _polynomial(s * s, [2.0 / (2 * k + 1) for k in range(LOG_TERMS[x.dtype] - 1, -1, -1)])
    return (e * low + series) + e * high


def _power(x: Any, exponent: float) -> Any:
    """Returns ``e^(exponent log x)`` and 0 at 0."""
    return np.where(x > 0, _exp(x.dtype.type(exponent) * _log(x)), x.dtype.type(0))


def _wave(x: Any, quarter: int) -> Any:
    """Returns ``sin(x + quarter pi / 2)``."""
    angle = x.astype(np.float64)
    n = np.rint(angle / (math.pi / 2))
    r = (angle - n * HALF_PI[0]) - n * HALF_PI[1]
    square = r * r
    sine = r * _polynomial(square, [(-1.0) ** k / math.factorial(2 * k + 1) for k in range(8, -1, -1)])
    cosine = _polynomial(square, [(-1.0) ** k / math.factorial(2 * k) for k in range(9, -1, -1)])
    turn = np.mod(n + quarter, 4)
    value = np.where(turn % 2 == 0, sine, cosine)
    return np.where(turn >= 2, -value, value).astype(x.dtype)
