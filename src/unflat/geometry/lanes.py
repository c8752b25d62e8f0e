"""Vectors of numbers as values in Numba kernels: one instruction does the same to all lanes.

LLVM vectorises no loop in which numbers are added up in an order that has to be kept, or that writes where it might
read. A kernel that computes `LANES` independent things side by side says so itself with these values. Where a machine
has narrower vectors, or no loads from many places, LLVM takes the operations apart: slower, and the same numbers.
Products may be fused with sums, and nothing else is rounded otherwise than it is written.

Numba's cache looks only at the file of a kernel: whoever changes this one has to empty the cache of those that use it.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, no_type_check

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.extending import intrinsic, overload, register_model

LANES = 16
"""Numbers in a vector: what AVX-512 holds."""
_CONTRACT = ("contract",)
_BIT, _INT32, _INT64, _FLOAT32 = (ir.IntType(1), ir.IntType(32), ir.IntType(64), ir.FloatType())
_POINTERS = ir.VectorType(ir.PointerType(), LANES)
_EXPONENT_BIAS, _MANTISSA_BITS = 127, 23
_LEAST_EXPONENT = -100.0
"""Of two: what is smaller counts as this, far above where float32 ends."""
_EXP2 = tuple(np.float32(math.log(2) ** k / math.factorial(k)) for k in range(7))
"""Taylor's series of 2^x: right to a part in ten million between -1/2 and 1/2."""


class LaneType(types.Type):
    """The type of a vector to Numba."""

    def __init__(self, element: types.Type) -> None:
        super().__init__(name=f"Lanes({element} x {LANES})")
        self.element = element


FLOATS, WHOLES, MARKS = LaneType(types.float32), LaneType(types.int32), LaneType(types.boolean)
_ELEMENTS = {types.float32: _FLOAT32, types.int32: _INT32, types.boolean: _BIT}


@register_model(LaneType)
class _LaneModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: LaneType) -> None:
        super().__init__(manager, kind, ir.VectorType(_ELEMENTS[kind.element], LANES))


def _vector(value: Any, element: ir.Type = _INT32) -> ir.Constant:
    """The same constant in all lanes."""
    return ir.Constant(ir.VectorType(element, LANES), [value] * LANES)


def _spread(context: Any, builder: Any, value: Any, kind: types.Type, to: LaneType) -> Any:
    """A vector as it is; a number in all lanes."""
    if isinstance(kind, LaneType):
        return value
    number = context.cast(builder, value, kind, to.element)
    nothing = ir.Constant(ir.VectorType(number.type, LANES), ir.Undefined)
    first = builder.insert_element(nothing, number, ir.Constant(_INT32, 0))
    return builder.shuffle_vector(first, nothing, _vector(0))


def _operator(symbol: Any, result: LaneType, make: Callable[[Any, Any, Any], Any], of: LaneType = FLOATS) -> None:
    """Let Numba use one of Python's operators on two vectors, or on a vector and a number."""

    @intrinsic
    def operation(typing, one, two):
        def build(context, builder, signature, arguments):
            kinds = signature.args
            first, second = (_spread(context, builder, arguments[i], kinds[i], of) for i in range(2))
            return make(builder, first, second)

        return result(one, two), build

    @overload(symbol)
    def chosen(one, two):
        # a lambda, since the tests' checker of types would wrap a function, and Numba could not read it
        return (lambda one, two: operation(one, two)) if of in (one, two) else None  # noqa: PLW0108


_operator(operator.add, FLOATS, lambda build, a, b: build.fadd(a, b, flags=_CONTRACT))
_operator(operator.sub, FLOATS, lambda build, a, b: build.fsub(a, b, flags=_CONTRACT))
_operator(operator.mul, FLOATS, lambda build, a, b: build.fmul(a, b, flags=_CONTRACT))
_operator(operator.truediv, FLOATS, lambda build, a, b: build.fdiv(a, b))
_operator(operator.lt, MARKS, lambda build, a, b: build.fcmp_ordered("<", a, b))
_operator(operator.le, MARKS, lambda build, a, b: build.fcmp_ordered("<=", a, b))
_operator(operator.gt, MARKS, lambda build, a, b: build.fcmp_ordered(">", a, b))
_operator(operator.ge, MARKS, lambda build, a, b: build.fcmp_ordered(">=", a, b))
_operator(operator.and_, MARKS, lambda build, a, b: build.and_(a, b), MARKS)


def _function(result: types.Type, make: Callable[..., Any], **kinds: LaneType) -> Any:
    """A function of vectors; where a vector is awaited, a number counts as one that has it in all lanes."""
    awaited = tuple(kinds.values())

    def build(context, builder, signature, arguments):
        parts = zip(arguments, signature.args, awaited, strict=True)
        return make(builder, *(_spread(context, builder, value, kind, to) for value, kind, to in parts))

    if len(awaited) == 1:
        return intrinsic(lambda typing, one: (result(one), build))
    if len(awaited) == 2:
        return intrinsic(lambda typing, one, two: (result(one, two), build))
    return intrinsic(lambda typing, one, two, three: (result(one, two, three), build))


def _named(name: str, kind: ir.Type, *more: ir.Constant) -> Callable[..., Any]:
    """LLVM's own function of that name."""

    def make(builder: Any, *arguments: Any) -> Any:
        given = [*arguments, *more]
        form = ir.FunctionType(kind, [value.type for value in given])
        return builder.call(cgutils.get_or_insert_function(builder.module, form, name), given)

    return make


_FLOAT_VECTOR, _INT_VECTOR = ir.VectorType(_FLOAT32, LANES), ir.VectorType(_INT32, LANES)
_MARK_BITS = ir.IntType(LANES)


def _count(builder: Any, marks: Any) -> Any:
    bits = builder.bitcast(marks, _MARK_BITS)
    return builder.zext(_named(f"llvm.ctpop.i{LANES}", _MARK_BITS)(builder, bits), _INT64)


def _first(builder: Any, marks: Any) -> Any:
    bits = builder.bitcast(marks, _MARK_BITS)
    found = _named(f"llvm.cttz.i{LANES}", _MARK_BITS, ir.Constant(_BIT, 0))(builder, bits)
    return builder.zext(found, _INT64)


def _power(builder: Any, exponents: Any) -> Any:
    biased = builder.add(exponents, _vector(_EXPONENT_BIAS))
    return builder.bitcast(builder.shl(biased, _vector(_MANTISSA_BITS)), _FLOAT_VECTOR)


def _folded(combine: Callable[[Any, Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """All lanes as one number: the upper half into the lower, until one is left."""

    def make(builder: Any, lanes: Any) -> Any:
        half = LANES
        while half > 1:
            half //= 2
            order = ir.Constant(_INT_VECTOR, [(lane + half) % LANES for lane in range(LANES)])
            lanes = combine(builder, lanes, builder.shuffle_vector(lanes, lanes, order))
        return builder.extract_element(lanes, ir.Constant(_INT32, 0))

    return make


def _less(builder: Any, one: Any, two: Any) -> Any:
    return builder.select(builder.fcmp_ordered("<", one, two), one, two)


where = _function(FLOATS, lambda build, *parts: build.select(*parts), marks=MARKS, then=FLOATS, otherwise=FLOATS)
where_whole = _function(WHOLES, lambda build, *parts: build.select(*parts), marks=MARKS, then=WHOLES, otherwise=WHOLES)
least_of = _function(FLOATS, _less, one=FLOATS, two=FLOATS)
most_of = _function(
    FLOATS, lambda build, a, b: build.select(build.fcmp_ordered(">", a, b), a, b), one=FLOATS, two=FLOATS
)
absolute = _function(FLOATS, _named(f"llvm.fabs.v{LANES}f32", _FLOAT_VECTOR), lanes=FLOATS)
root = _function(FLOATS, _named(f"llvm.sqrt.v{LANES}f32", _FLOAT_VECTOR), lanes=FLOATS)
whole = _function(WHOLES, lambda build, lanes: build.fptosi(lanes, _INT_VECTOR), lanes=FLOATS)
"""Without what comes after the point; only for what fits into int32."""
real = _function(FLOATS, lambda build, lanes: build.sitofp(lanes, _FLOAT_VECTOR), lanes=WHOLES)
moved = _function(WHOLES, lambda build, a, b: build.add(a, b), one=WHOLES, two=WHOLES)
"""The sum of whole numbers."""
times = _function(WHOLES, lambda build, a, b: build.mul(a, b), one=WHOLES, two=WHOLES)
power_of_two = _function(FLOATS, _power, exponents=WHOLES)
total_of = _function(types.float32, _folded(lambda build, a, b: build.fadd(a, b)), lanes=FLOATS)
smallest_of = _function(types.float32, _folded(_less), lanes=FLOATS)
number_of = _function(types.int64, _count, marks=MARKS)
"""How many lanes are marked."""
first_of = _function(types.int64, _first, marks=MARKS)
"""The first marked lane; `LANES` where none is."""


def _address(context: Any, builder: Any, kind: types.Array, array: Any, index: Any, element: ir.Type) -> Any:
    """Where the element at a flat index lies, or those at a vector of them."""
    start = context.make_array(kind)(context, builder, array).data
    place = builder.gep(start, [index], source_etype=element)
    if isinstance(index.type, ir.VectorType):
        place.type = _POINTERS  # llvmlite knows no vectors of addresses here, LLVM does
    return place


def _loading(kind: LaneType) -> Any:
    @intrinsic
    def load(typing, array, start):
        def build(context, builder, signature, arguments):
            index = context.cast(builder, arguments[1], signature.args[1], types.int64)
            element = _ELEMENTS[kind.element]
            place = _address(context, builder, signature.args[0], arguments[0], index, element)
            return builder.load(place, align=4, typ=ir.VectorType(element, LANES))

        return kind(array, start), build

    return load


load, load_whole = _loading(FLOATS), _loading(WHOLES)
"""The lanes that lie in an array without gaps (float32, int32) from a flat index on. Nothing is checked."""


@intrinsic
def store(typing, array, start, lanes):
    """Put a vector (or a number, into all lanes) where `load` and `load_whole` take it from."""
    kind = WHOLES if array.dtype == types.int32 else FLOATS

    def build(context, builder, signature, arguments):
        index = context.cast(builder, arguments[1], signature.args[1], types.int64)
        place = _address(context, builder, signature.args[0], arguments[0], index, _ELEMENTS[kind.element])
        vector = _spread(context, builder, arguments[2], signature.args[2], kind)
        builder.store(vector, builder.bitcast(place, vector.type.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(array, start, lanes), build


def _gather(context: Any, builder: Any, signature: Any, arguments: Any, element: ir.Type) -> Any:
    """The elements of an array, all of them, at a vector of flat indices."""
    vector, suffix = ir.VectorType(element, LANES), "f32" if element is _FLOAT32 else "i32"
    places = _address(context, builder, signature.args[0], arguments[0], arguments[1], element)
    given = (ir.Constant(_INT32, 4), _vector(1, _BIT), ir.Constant(vector, ir.Undefined))
    return _named(f"llvm.masked.gather.v{LANES}{suffix}.v{LANES}p0", vector, *given)(builder, places)


@intrinsic
def looked_up(typing, array, places):
    """Elements of an array of float32 at flat indices. Nothing is checked."""

    def build(context, builder, signature, arguments):
        return _gather(context, builder, signature, arguments, _FLOAT32)

    return FLOATS(array, places), build


@intrinsic
def bytes_looked_up(typing, array, places):
    """The four bytes of each element of an array of uint32 at flat indices, lowest first, as floats."""

    def build(context, builder, signature, arguments):
        found = _gather(context, builder, signature, arguments, _INT32)
        shifted = [builder.lshr(found, _vector(8 * k)) if k else found for k in range(4)]
        last = [builder.and_(part, _vector(255)) for part in shifted[:3]]
        parts = [builder.sitofp(part, _FLOAT_VECTOR) for part in (*last, shifted[3])]
        return context.make_tuple(builder, signature.return_type, parts)

    return types.UniTuple(FLOATS, 4)(array, places), build


@njit
@no_type_check
def exponential(lanes):
    """e to the power of each lane, none of which may be above zero."""
    power = most_of(lanes * np.float32(1 / math.log(2)), np.float32(_LEAST_EXPONENT))
    nearest = whole(power - np.float32(0.5))
    rest = power - real(nearest)
    series = rest * _EXP2[6] + _EXP2[5]
    series = series * rest + _EXP2[4]
    series = series * rest + _EXP2[3]
    series = series * rest + _EXP2[2]
    series = series * rest + _EXP2[1]
    series = series * rest + _EXP2[0]
    return series * power_of_two(nearest)
