"""What numba makes of `_vectors`: numbers with lanes are LLVM's vectors of float64, conditions vectors of int64.

Imported when the first kernel with vectors is compiled, never before.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel.models import OpaqueModel, PrimitiveModel
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import NativeValue, lower_builtin, register_model, typeof_impl, unbox

from notecalc.core import _vectors

__all__ = ["Kind"]

_FLOAT, _INT = ir.DoubleType(), ir.IntType(64)
_INDEX = ir.IntType(32)


class Vector(types.Type):
    """A float64 in each of some lanes."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(name=f"Vector({lanes})")


class Mask(types.Type):
    """A truth value in each of some lanes."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(name=f"Mask({lanes})")


class Kind(types.Type):
    """The type of a `LaneKind`: no value, but a type from which code is made."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(name=f"Kind({lanes})")


@register_model(Vector)
class _VectorModel(PrimitiveModel):
    def __init__(self, manager: Any, kind: Vector) -> None:
        super().__init__(manager, kind, ir.VectorType(_FLOAT, kind.lanes))


@register_model(Mask)
class _MaskModel(PrimitiveModel):
    def __init__(self, manager: Any, kind: Mask) -> None:
        super().__init__(manager, kind, ir.VectorType(_INT, kind.lanes))


register_model(Kind)(OpaqueModel)


@typeof_impl.register(_vectors.LaneKind)
def _type_of_kind(value: Any, context: Any) -> Kind:
    del context
    return Kind(value.lanes)


@unbox(Kind)
def _unbox_kind(kind: Any, value: Any, c: Any) -> NativeValue:
    del kind, value
    return NativeValue(c.context.get_dummy_value())


def _kind_of_like(like: Any) -> Any:
    """Give the type of numbers that a `like` asks for."""
    if isinstance(like, Kind):
        return Vector(like.lanes) if like.lanes > 1 else types.float64
    return like if isinstance(like, Vector) else types.float64


def _kind_of(args: Any) -> Any:
    """Give the type that vectors of one width and floats, which stand for themselves in each lane, are worked on as."""
    vectors = {kind for kind in args if isinstance(kind, Vector)}
    if len(vectors) > 1 or not all(isinstance(kind, Vector | types.Float) for kind in args):
        return None
    return vectors.pop() if vectors else types.float64


# ---- building blocks ----


def _type(kind: Any, element: Any) -> Any:
    """Give LLVM's type of one element, or of one in each lane."""
    return ir.VectorType(element, kind.lanes) if isinstance(kind, Vector | Mask) else element


def _same(kind: Any, number: float) -> Any:
    """Give a constant: a float in each lane."""
    lanes = kind.lanes if isinstance(kind, Vector) else 0
    return ir.Constant(_type(kind, _FLOAT), [float(number)] * lanes if lanes else float(number))


def _same_int(kind: Any, number: int) -> Any:
    lanes = kind.lanes if isinstance(kind, Vector) else 0
    return ir.Constant(_type(kind, _INT), [number] * lanes if lanes else number)


def _spread(builder: Any, kind: Any, x: Any) -> Any:
    """Give a float in each lane."""
    if not isinstance(kind, Vector):
        return x
    none = ir.Constant(_type(kind, _FLOAT), ir.Undefined)
    first = builder.insert_element(none, x, ir.Constant(_INDEX, 0))
    return builder.shuffle_vector(first, none, ir.Constant(ir.VectorType(_INDEX, kind.lanes), [0] * kind.lanes))


def _call(builder: Any, name: str, kind: Any, *values: Any) -> Any:
    """Call one of LLVM's own functions."""
    suffix = f"v{kind.lanes}f64" if isinstance(kind, Vector) else "f64"
    own = _type(kind, _FLOAT)
    shape = ir.FunctionType(own, [own] * len(values))
    return builder.call(cgutils.get_or_insert_function(builder.module, shape, f"llvm.{name}.{suffix}"), values)


def _place(context: Any, builder: Any, array_type: Any, array: Any, at: Any, kind: Any) -> Any:
    """Give a pointer to the numbers from a place of an array on."""
    view = context.make_array(array_type)(context, builder, array)
    return builder.bitcast(builder.gep(view.data, [at]), ir.PointerType(_type(kind, _FLOAT)))


def _teach(function: Any, typing: Callable[[Any], Any], code: Callable[..., Any], *shapes: tuple[Any, ...]) -> None:
    """Teach numba a function: its signature for types of arguments, or None, and its code for shapes of them."""

    class Template(AbstractTemplate):
        key = function

        def generic(self, args: Any, kws: Any) -> Any:
            return None if kws else typing(args)

    infer_global(function)(Template)
    for shape in shapes:
        lower_builtin(function, *shape)(code)


# ---- reading, writing, spreading ----


def _load_code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    values, at, _ = args
    loaded = builder.load(_place(context, builder, sig.args[0], values, at, sig.return_type))
    loaded.align = 8
    return loaded


def _pick_code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    """Load lane by lane into a register: through memory, each read would wait for the writes before it."""
    values, at, cells, _ = args
    kind = sig.return_type
    places = context.make_array(sig.args[2])(context, builder, cells)

    def one(lane: int) -> Any:
        place = builder.load(builder.gep(places.data, [ir.Constant(_INT, lane)]))
        return builder.load(_place(context, builder, sig.args[0], values, builder.add(at, place), types.float64))

    if not isinstance(kind, Vector):
        return one(0)
    picked = ir.Constant(_type(kind, _FLOAT), ir.Undefined)
    for lane in range(kind.lanes):
        picked = builder.insert_element(picked, one(lane), ir.Constant(_INDEX, lane))
    return picked


def _point_code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    cells, x = args
    kind = sig.args[1]
    places = builder.fptosi(x, _type(kind, _INT))
    if isinstance(kind, Vector):
        own = ir.Constant(_type(kind, _INT), list(range(kind.lanes)))
        places = builder.add(builder.mul(places, _same_int(kind, kind.lanes)), own)
    data = context.make_array(sig.args[0])(context, builder, cells).data
    builder.store(places, builder.bitcast(data, ir.PointerType(_type(kind, _INT)))).align = 8
    return context.get_dummy_value()


def _store_code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    values, at, x = args
    stored = builder.store(x, _place(context, builder, sig.args[0], values, at, sig.args[2]))
    stored.align = 8
    return context.get_dummy_value()


def _lanes_code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    del context, builder, args
    kind = _kind_of_like(sig.args[0])
    return ir.Constant(_INT, kind.lanes if isinstance(kind, Vector) else 1)


_LIKE = (Kind, Vector, types.Float)
_teach(
    _vectors.load,
    lambda args: signature(_kind_of_like(args[2]), args[0], types.intp, args[2]),
    _load_code,
    *((types.Array, types.Integer, like) for like in _LIKE),
)
_teach(
    _vectors.pick,
    lambda args: signature(_kind_of_like(args[3]), args[0], types.intp, args[2], args[3]),
    _pick_code,
    *((types.Array, types.Integer, types.Array, like) for like in _LIKE),
)
_teach(
    _vectors.point,
    lambda args: signature(types.none, args[0], _kind_of(args[1:])),
    _point_code,
    *((types.Array, x) for x in (Vector, types.Float)),
)
_teach(
    _vectors.store,
    lambda args: signature(types.none, args[0], types.intp, _kind_of(args[2:])),
    _store_code,
    *((types.Array, types.Integer, x) for x in (Vector, types.Float)),
)
_teach(
    _vectors.splat,
    lambda args: signature(_kind_of_like(args[1]), types.float64, args[1]),
    lambda _, builder, sig, args: _spread(builder, sig.return_type, args[0]),
    *((types.Float, like) for like in _LIKE),
)
_teach(_vectors.lanes_of, lambda args: signature(types.intp, *args), _lanes_code, *((like,) for like in _LIKE))


# ---- arithmetic, comparison, functions of numbers ----


def _teach_numbers(
    function: Any, count: int, code: Callable[..., Any], *, tells: bool = False, floats: bool = False
) -> None:
    """Teach a function of some numbers of one kind; one that tells gives a condition.

    Operators on floats alone numba knows; with `floats` it is taught them, too.
    """

    def typing(args: Any) -> Any:
        kind = _kind_of(args) if len(args) == count else None
        if kind is None or (kind == types.float64 and not floats):
            return None
        return signature(Mask(kind.lanes) if tells else kind, *args)

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = _kind_of(sig.args)
        raised = [
            x if isinstance(given, Vector) else _spread(builder, kind, context.cast(builder, x, given, types.float64))
            for given, x in zip(sig.args, args, strict=True)
        ]
        return code(builder, kind, *raised)

    shapes = itertools.product((Vector, types.Float), repeat=count)
    _teach(function, typing, lower, *(shape for shape in shapes if floats or Vector in shape))


def _instruction(name: str) -> Callable[..., Any]:
    return lambda builder, _, x, y: getattr(builder, name)(x, y)


def _test(sign: str) -> Callable[..., Any]:
    def code(builder: Any, kind: Any, x: Any, y: Any) -> Any:
        test = builder.fcmp_unordered if sign == "!=" else builder.fcmp_ordered
        return builder.sext(test(sign, x, y), _type(kind, _INT))

    return code


def _named(name: str) -> Callable[..., Any]:
    return lambda builder, kind, *values: _call(builder, name, kind, *values)


def _choice(sign: str) -> Callable[..., Any]:
    return lambda builder, _, x, y: builder.select(builder.fcmp_ordered(sign, x, y), x, y)


def _exp_code(builder: Any, kind: Any, x: Any) -> Any:
    """Reduce to a power of two and a rest of at most ln(2) / 2, whose series is summed."""

    def c(number: float) -> Any:
        return _same(kind, number)

    def multiply_add(*values: Any) -> Any:
        return _call(builder, "fma", kind, *values)

    ints, floats = _type(kind, _INT), _type(kind, _FLOAT)
    kept = builder.select(builder.fcmp_ordered("<", x, c(-708.0)), c(-708.0), x)
    kept = builder.select(builder.fcmp_ordered(">", kept, c(709.78)), c(709.78), kept)
    shifted = multiply_add(kept, c(1 / math.log(2)), c(6755399441055744.0))  # its last bits are the whole part
    power = builder.fsub(shifted, c(6755399441055744.0))
    rest = multiply_add(power, c(-0.693147180369123816490), kept)
    rest = multiply_add(power, c(-1.90821492927058770002e-10), rest)
    total = c(1 / math.factorial(13))
    for n in range(12, -1, -1):
        total = multiply_add(total, rest, c(1 / math.factorial(n)))
    # Half of the power at a time: twice to the 1024th is no number.
    whole = builder.sub(builder.bitcast(shifted, ints), builder.bitcast(c(6755399441055744.0), ints))
    half = builder.ashr(whole, _same_int(kind, 1))
    for part in (half, builder.sub(whole, half)):
        bits = builder.shl(builder.add(part, _same_int(kind, 1023)), _same_int(kind, 52))
        total = builder.fmul(total, builder.bitcast(bits, floats))
    total = builder.select(builder.fcmp_ordered("<", x, c(-708.0)), c(0.0), total)
    total = builder.select(builder.fcmp_ordered(">", x, c(709.78)), c(math.inf), total)
    return builder.select(builder.fcmp_unordered("uno", x, x), x, total)


def _log_code(builder: Any, kind: Any, x: Any) -> Any:
    """Split into a power of two and m in [sqrt(1/2), sqrt(2)); ln m is twice artanh((m - 1) / (m + 1))."""

    def c(number: float) -> Any:
        return _same(kind, number)

    def multiply_add(*values: Any) -> Any:
        return _call(builder, "fma", kind, *values)

    ints, floats = _type(kind, _INT), _type(kind, _FLOAT)
    bits = builder.bitcast(x, ints)
    # The bits of sqrt(1/2): from it on the power is counted.
    ahead = builder.sub(bits, _same_int(kind, 0x3FE6A09E667F3BCD))
    power = builder.ashr(ahead, _same_int(kind, 52))
    m = builder.bitcast(builder.sub(bits, builder.shl(power, _same_int(kind, 52))), floats)
    power = builder.sitofp(power, floats)
    ratio = builder.fdiv(builder.fsub(m, c(1.0)), builder.fadd(m, c(1.0)))
    square = builder.fmul(ratio, ratio)
    total = c(2 / 23)
    for n in range(21, 1, -2):
        total = multiply_add(total, square, c(2 / n))
    total = builder.fmul(total, builder.fmul(square, ratio))
    low = multiply_add(power, c(1.90821492927058770002e-10), total)
    total = multiply_add(power, c(0.693147180369123816490), builder.fadd(low, builder.fmul(c(2.0), ratio)))
    total = builder.select(builder.fcmp_ordered("<", x, c(2.2250738585072014e-308)), c(-math.inf), total)
    total = builder.select(builder.fcmp_ordered("<", x, c(0.0)), c(math.nan), total)
    total = builder.select(builder.fcmp_ordered("==", x, c(math.inf)), x, total)
    return builder.select(builder.fcmp_unordered("uno", x, x), x, total)


for _name, _instruction_name in (("add", "fadd"), ("sub", "fsub"), ("mul", "fmul"), ("truediv", "fdiv")):
    _teach_numbers(getattr(operator, _name), 2, _instruction(_instruction_name))
    _teach_numbers(getattr(operator, f"i{_name}"), 2, _instruction(_instruction_name))
for _name, _sign in (("lt", "<"), ("le", "<="), ("gt", ">"), ("ge", ">="), ("eq", "=="), ("ne", "!=")):
    _teach_numbers(getattr(operator, _name), 2, _test(_sign), tells=True)
_teach_numbers(operator.neg, 1, lambda builder, kind, x: builder.fsub(_same(kind, -0.0), x))
for _function, _count, _code in (
    (_vectors.fma, 3, _named("fma")),
    (_vectors.minimum, 2, _choice("<")),
    (_vectors.maximum, 2, _choice(">")),
    (_vectors.sqrt, 1, _named("sqrt")),
    (_vectors.whole, 1, _named("floor")),
    (_vectors.exp, 1, _exp_code),
    (_vectors.log, 1, _log_code),
):
    _teach_numbers(_function, _count, _code, floats=True)


# ---- conditions ----


def _both_masks(args: Any) -> Any:
    return signature(args[0], *args) if isinstance(args[0], Mask) and args[0] == args[-1] else None


for _name in ("and_", "or_"):
    _teach(
        getattr(operator, _name),
        _both_masks,
        lambda _, builder, __, args, name=_name: getattr(builder, name)(*args),
        (Mask, Mask),
    )


def _type_of_choice(args: Any) -> Any:
    condition = args[0]
    kind = Vector(condition.lanes) if isinstance(condition, Mask) else _kind_of(args[1:])
    return signature(kind, *args)


def _select_code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    kind, (condition, *values) = sig.return_type, args
    if isinstance(sig.args[0], Mask):
        condition = builder.icmp_signed("<", condition, _same_int(kind, 0))
    spread = [
        x if isinstance(given, Vector) else _spread(builder, kind, context.cast(builder, x, given, types.float64))
        for given, x in zip(sig.args[1:], values, strict=True)
    ]
    return builder.select(condition, *spread)


def _any_code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    del context
    kind = sig.args[0]
    if not isinstance(kind, Mask):
        return args[0]
    shape = ir.FunctionType(_INT, [_type(kind, _INT)])
    name = f"llvm.vector.reduce.or.v{kind.lanes}i64"
    joined = builder.call(cgutils.get_or_insert_function(builder.module, shape, name), args)
    return builder.icmp_signed("!=", joined, ir.Constant(_INT, 0))


_teach(
    _vectors.select,
    _type_of_choice,
    _select_code,
    *itertools.product((Mask, types.Boolean), (Vector, types.Float), (Vector, types.Float)),
)
_teach(_vectors.any_lane, lambda args: signature(types.boolean, *args), _any_code, (Mask,), (types.Boolean,))
