"""PatchMatch multi-view stereo: a slanted plane for every pixel of a picture, by trying what its neighbours found.

A plane is written as inverse depth and its two slopes over the picture: exactly linear there, so a neighbour's plane
is carried over by two products, and a patch goes into another picture by the affine map that the plane's homography is
at its middle: over nine pixels the two are the same, and a division for every sample costs a fifth of the time. Costs
are bilaterally weighted normalised cross-correlation (Schoenberger et al. 2016, section 4.1); propagation is the
adaptive checkerboard with a choice of views for every pixel (Xu and Tao 2019, ACMH; Galliani et al. 2015, Gipuma); a
later pass asks for agreement with the depth maps of the other pictures (ACMM, section 4). Kernels run on all cores
that Numba may use, and give the same numbers whatever their count: each pixel has random numbers of its own.
"""

from __future__ import annotations

import math
from typing import no_type_check

import numpy as np
from numba import njit, prange

RADIUS, STEP = 4, 2
"""Radius of a patch, and the distance of its samples, in pixels."""
_SIDE = np.arange(-RADIUS, RADIUS + 1, STEP)
_ROUND = np.hypot(*np.meshgrid(_SIDE, _SIDE)) < RADIUS + STEP / 2
_DOWN, _ACROSS = (_SIDE[places].astype(np.float32) for places in np.nonzero(_ROUND))
SAMPLES = len(_ACROSS)
WORST = 2.0
"""Cost (one minus correlation) of what can't be seen or has no texture."""
_SIGMA_PLACE, _SIGMA_COLOR = 4.0, 12.0 / 255
"""Bilateral weights: distance in pixels, difference in grey (0..1)."""
_LEAST_VARIANCE = 2e-5
"""Below this variance of grey (0..1) a patch has no texture that could be found again."""
_LEAST_DEPTH = 1e-6
_FAST = {"contract"}
"""Fused products are the only liberty with arithmetic: with more, code that Numba has just compiled rounds otherwise
than the same code from its cache."""
_EDGE = 1.01
"""A sample's pixel has a right and a lower neighbour: so far from the end, and a little more for rounding."""
_REGIONS = 8
_CHANGED = _REGIONS + 1
"""The row of a pixel's tried planes that holds random changes; the own plane and those of the regions come before."""
_NEAR = np.array([[-1, 0], [-2, -1], [-2, 1], [-3, -2], [-3, 2]], np.int32)
_FAR = np.array([[-3, 0], [-5, 0], [-7, 0], [-9, 0], [-13, 0], [-17, 0], [-21, 0]], np.int32)
"""Pixels of the other colour above a pixel (down, right), of which the best is tried; the other sides by turning."""
_GOOD_START, _GOOD_DECAY, _BAD = 0.8, 90.0, 1.2
"""A view counts as seeing the pixel if enough hypotheses cost less than the first (falling with the iteration), and not
too many more than the last (Xu and Tao 2019, equation 2)."""
_GOOD_NEEDED, _BAD_ALLOWED = 2, 3
_VIEW_SIGMA = 0.3
_GEOMETRIC_WEIGHT, _GEOMETRIC_CLAMP_PX = 0.1, 3.0
"""What a pixel of forward-backward reprojection error costs, and where it is cut off (ACMM, equation 9)."""


@njit(inline="always")
@no_type_check
def _uniform(state):
    """The next of a pixel's own random numbers, 0..1, and the state after it (xorshift64*, Vigna 2016)."""
    state ^= state >> np.uint64(12)
    state ^= state << np.uint64(25)
    state ^= state >> np.uint64(27)
    return np.float32((state * np.uint64(2685821657736338717)) >> np.uint64(40)) / np.float32(1 << 24), state


@njit(inline="always")
@no_type_check
def _seeded(seed, index):
    """A pixel's first state (splitmix64, Steele et al. 2014)."""
    z = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(index) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (z ^ (z >> np.uint64(31))) | np.uint64(1)


@njit(fastmath=_FAST)
@no_type_check
def reference_patch(image, row, column, weights, values):
    """Fill in a patch's weights (sum 1) and greys less their weighted mean; give its weighted variance."""
    height, width = image.shape
    centre = image[row, column]
    total = np.float32(0)
    mean = np.float32(0)
    for i in range(SAMPLES):
        across, down = _ACROSS[i], _DOWN[i]
        y, x = min(max(row + int(down), 0), height - 1), min(max(column + int(across), 0), width - 1)
        value = image[y, x]
        away = (down * down + across * across) / np.float32(2 * _SIGMA_PLACE * _SIGMA_PLACE)
        other = (value - centre) * (value - centre) / np.float32(2 * _SIGMA_COLOR * _SIGMA_COLOR)
        weight = np.float32(math.exp(-away - other))
        weights[i], values[i] = weight, value
        total += weight
        mean += weight * value
    mean /= total
    variance = np.float32(0)
    for i in range(SAMPLES):
        weights[i] /= total
        values[i] -= mean
        variance += weights[i] * values[i] * values[i]
    return variance


@njit(fastmath=_FAST, inline="always")
@no_type_check
def patch_cost(others, j, row, column, inverse, right, below, weights, values, variance):
    """One minus the correlation of the reference patch with source j of `others` (see `sweep`), seen through a plane.

    The plane is inverse depth and its slopes to the right and down. The warp takes reference pixels (whole-number
    places of their centres) to the source at infinity, the shift is added times inverse depth.
    """
    source, sizes, warp, shift = others[0], others[1], others[2], others[3]
    worst, one, reach = np.float32(WORST), np.float32(1), np.float32(RADIUS)
    x = warp[j, 0, 0] * column + warp[j, 0, 1] * row + warp[j, 0, 2] + inverse * shift[j, 0]
    y = warp[j, 1, 0] * column + warp[j, 1, 1] * row + warp[j, 1, 2] + inverse * shift[j, 1]
    z = warp[j, 2, 0] * column + warp[j, 2, 1] * row + warp[j, 2, 2] + inverse * shift[j, 2]
    if z <= np.float32(_LEAST_DEPTH):
        return worst
    scale = one / z
    x0, y0 = x * scale, y * scale
    z_across, z_down = warp[j, 2, 0] + right * shift[j, 2], warp[j, 2, 1] + below * shift[j, 2]
    xa = (warp[j, 0, 0] + right * shift[j, 0] - x0 * z_across) * scale
    ya = (warp[j, 1, 0] + right * shift[j, 1] - y0 * z_across) * scale
    xd = (warp[j, 0, 1] + below * shift[j, 0] - x0 * z_down) * scale
    yd = (warp[j, 1, 1] + below * shift[j, 1] - y0 * z_down) * scale
    reach_x, reach_y = reach * (abs(xa) + abs(xd)), reach * (abs(ya) + abs(yd))
    last_x, last_y = np.float32(sizes[j, 1]) - np.float32(_EDGE), np.float32(sizes[j, 0]) - np.float32(_EDGE)
    if not (x0 >= reach_x and y0 >= reach_y and x0 + reach_x < last_x and y0 + reach_y < last_y):
        return worst
    mean, square, product = np.float32(0), np.float32(0), np.float32(0)
    for i in range(SAMPLES):
        across, down = _ACROSS[i], _DOWN[i]
        x, y = x0 + across * xa + down * xd, y0 + across * ya + down * yd
        left, top = np.int32(x), np.int32(y)
        beside, under = x - np.float32(left), y - np.float32(top)
        first, second = np.uint64(left), np.uint64(top)  # unsigned: Numba need not ask whether they count from the end
        after, next_row = first + np.uint64(1), second + np.uint64(1)
        a, b = source[j, second, first], source[j, second, after]
        c, d = source[j, next_row, first], source[j, next_row, after]
        upper, lower = a + (b - a) * beside, c + (d - c) * beside
        value = upper + (lower - upper) * under
        weighted = weights[i] * value
        mean += weighted
        square += weighted * value
        product += weighted * values[i]
    other = square - mean * mean
    if other < np.float32(_LEAST_VARIANCE):
        return worst
    return min(max(one - product / np.float32(math.sqrt(variance * other)), np.float32(0)), worst)


@njit(fastmath=_FAST, inline="always")
@no_type_check
def _disagreement(others, j, row, column, inverse):
    """Forward-backward reprojection error in pixels with source j's inverse depth, clamped."""
    sizes, warp, shift = others[1], others[2], others[3]
    inverse_depth, back, back_shift = others[4], others[5], others[6]
    clamp = np.float32(_GEOMETRIC_CLAMP_PX)
    z = warp[j, 2, 0] * column + warp[j, 2, 1] * row + warp[j, 2, 2] + inverse * shift[j, 2]
    if z <= np.float32(_LEAST_DEPTH):
        return clamp
    x = (warp[j, 0, 0] * column + warp[j, 0, 1] * row + warp[j, 0, 2] + inverse * shift[j, 0]) / z
    y = (warp[j, 1, 0] * column + warp[j, 1, 1] * row + warp[j, 1, 2] + inverse * shift[j, 1]) / z
    height, width = sizes[j, 0], sizes[j, 1]
    left, top = int(math.floor(x + 0.5)), int(math.floor(y + 0.5))
    if left < 0 or top < 0 or left >= width or top >= height:
        return clamp
    found = inverse_depth[j, top, left]
    if not found > 0:
        return clamp
    z = back[j, 2, 0] * x + back[j, 2, 1] * y + back[j, 2, 2] + found * back_shift[j, 2]
    if z <= np.float32(_LEAST_DEPTH):
        return clamp
    right = (back[j, 0, 0] * x + back[j, 0, 1] * y + back[j, 0, 2] + found * back_shift[j, 0]) / z - column
    below = (back[j, 1, 0] * x + back[j, 1, 1] * y + back[j, 1, 2] + found * back_shift[j, 1]) / z - row
    return min(np.float32(math.sqrt(right * right + below * below)), clamp)


@njit(inline="always")
@no_type_check
def _region(region, k):
    """The k-th pixel (down, right) of a region: four near ones, then four far ones, turned by quarters."""
    down, right = (_NEAR[k, 0], _NEAR[k, 1]) if region < 4 else (_FAR[k, 0], _FAR[k, 1])
    turn = region % 4
    if turn == 1:
        return right, -down
    if turn == 2:
        return -down, -right
    if turn == 3:
        return -right, down
    return down, right


@njit(parallel=True, fastmath=_FAST, cache=True)
@no_type_check
def sweep(image, others, planes, costs, seen, colour, options, rays):
    """Try the neighbours' planes and random changes of the own on all pixels of one colour of the checkerboard.

    Changes `planes` (h, w, 3), `costs` (h, w) and `seen` (h, w), a bit for each source that was found to see the pixel.
    `others`, of the s sources: greys (s, H, W) and their sizes (s, 2), warps and shifts to them, their inverse depths
    (s, H, W), warps and shifts back. `options`: iteration, seed, least and largest inverse depth, size of changes
    (0..1), whether to try far regions, whether to search at random, whether the sources' inverse depths count, and
    whether only the sources are asked that were found to see the pixel before.
    """
    height, width = image.shape
    count = len(others[0])
    iteration, seed = options[0], np.int64(options[1])
    regions = _REGIONS if options[5] > 0 else _REGIONS // 2
    good = np.float32(_GOOD_START * math.exp(-iteration * iteration / _GOOD_DECAY))
    for row in prange(height):
        weights, values = np.empty(SAMPLES, np.float32), np.empty(SAMPLES, np.float32)
        tried, found = np.empty((_CHANGED + 1, 3), np.float32), np.empty((_CHANGED, count), np.float32)
        sight = np.empty(count, np.float32)
        for column in range((row + colour) % 2, width, 2):
            variance = reference_patch(image, row, column, weights, values)
            if variance < np.float32(_LEAST_VARIANCE):
                costs[row, column] = np.float32(WORST)
                continue
            patch = (np.float32(row), np.float32(column), weights, values, variance)
            many = _gather(planes, costs, row, column, regions, options, tried)
            asked = np.int64(seen[row, column]) if options[8] > 0 and seen[row, column] != 0 else np.int64(-1)
            for i in range(many):
                for j in range(count):
                    known = (asked >> j) & 1
                    found[i, j] = _likeness(others, j, tried, i, patch) if known else np.float32(WORST)
            mask = _choose_views(found, many, good, sight)
            seen[row, column] = mask
            if mask == 0:
                costs[row, column] = np.float32(WORST)
                continue
            best, least = _cheapest(others, tried, found, many, sight, options, patch)
            state = _seeded(seed + np.int64(iteration) * 7919 + colour, row * width + column)
            costs[row, column] = _improve(others, tried, best, least, sight, options, rays, patch, state)
            for i in range(3):
                planes[row, column, i] = tried[best, i]


@njit(fastmath=_FAST)
@no_type_check
def _gather(planes, costs, row, column, regions, options, tried):
    """Fill in the own plane and those of the best pixels of the regions, carried over; give how many."""
    height, width = costs.shape
    low, high = np.float32(options[2]), np.float32(options[3])
    many = 1
    for i in range(3):
        tried[0, i] = planes[row, column, i]
    for region in range(regions):
        best_row, best_column, least = -1, -1, np.float32(1e9)
        for k in range(len(_NEAR) if region < 4 else len(_FAR)):
            down, right = _region(region, k)
            r, c = row + down, column + right
            if r < 0 or c < 0 or r >= height or c >= width:
                continue
            if costs[r, c] < least:
                best_row, best_column, least = r, c, costs[r, c]
        if best_row < 0:
            continue
        slope_x, slope_y = planes[best_row, best_column, 1], planes[best_row, best_column, 2]
        inverse = planes[best_row, best_column, 0] + slope_x * (column - best_column) + slope_y * (row - best_row)
        if low < inverse < high:
            tried[many, 0], tried[many, 1], tried[many, 2] = inverse, slope_x, slope_y
            many += 1
    return many


@njit(fastmath=_FAST, inline="always")
@no_type_check
def _likeness(others, j, tried, i, patch):
    """The patch's cost in source j under the i-th plane."""
    row, column, weights, values, variance = patch
    return patch_cost(others, j, row, column, tried[i, 0], tried[i, 1], tried[i, 2], weights, values, variance)


@njit(fastmath=_FAST)
@no_type_check
def _choose_views(found, many, good, sight):
    """Fill in how much each source counts for a pixel; give a bit for each that does.

    Where none convinces, the two that match best under any plane are taken.
    """
    mask = np.int64(0)
    for j in range(len(sight)):
        goods, bads, total = 0, 0, np.float32(0)
        for i in range(many):
            if found[i, j] < good:
                ratio = found[i, j] / np.float32(_VIEW_SIGMA)
                total += np.float32(math.exp(np.float32(-0.5) * ratio * ratio))
                goods += 1
            elif found[i, j] > np.float32(_BAD):
                bads += 1
        sees = goods >= _GOOD_NEEDED and bads < _BAD_ALLOWED + (many - 1) // 4
        sight[j] = total / goods if sees else np.float32(0)
        if sight[j] > 0:
            mask |= np.int64(1) << j
    if mask != 0:
        return mask
    for _ in range(2):
        pick, least = -1, np.float32(WORST)
        for j in range(len(sight)):
            for i in range(many):
                if sight[j] == 0 and found[i, j] < least:
                    pick, least = j, found[i, j]
        if pick >= 0:
            mask |= np.int64(1) << pick
            sight[pick] = np.float32(1)
    return mask


@njit(fastmath=_FAST)
@no_type_check
def _cheapest(others, tried, found, many, sight, options, patch):
    """The plane with the least cost over the sources that count, and that cost."""
    best, least = 0, np.float32(1e9)
    for i in range(many):
        cost, total = np.float32(0), np.float32(0)
        for j in range(len(sight)):
            if sight[j] > 0:
                cost += sight[j] * (found[i, j] + _contradiction(others, j, tried[i, 0], options, patch))
                total += sight[j]
        if cost / total < least:
            best, least = i, cost / total
    return best, least


@njit(fastmath=_FAST, inline="always")
@no_type_check
def _contradiction(others, j, inverse, options, patch):
    """What a depth costs for disagreeing with that of source j; nothing where depths do not count."""
    if options[7] <= 0:
        return np.float32(0)
    return np.float32(_GEOMETRIC_WEIGHT) * _disagreement(others, j, patch[0], patch[1], inverse)


@njit(fastmath=_FAST)
@no_type_check
def _total(others, tried, i, sight, least, options, patch):
    """The cost of the i-th plane over the sources that count; `least` or more as soon as it can't be less."""
    total = np.float32(0)
    for j in range(len(sight)):
        total += sight[j]
    most = least * total
    cost = np.float32(0)
    for j in range(len(sight)):
        if sight[j] > 0:
            contradiction = _contradiction(others, j, tried[i, 0], options, patch)
            cost += sight[j] * (_likeness(others, j, tried, i, patch) + contradiction)
            if cost >= most:
                break
    return cost / total


@njit(fastmath=_FAST)
@no_type_check
def _improve(others, tried, best, least, sight, options, rays, patch, state):
    """Change the best plane where a random one near it, or anywhere, costs less; give its cost."""
    low, high, change, searches = np.float32(options[2]), np.float32(options[3]), np.float32(options[4]), options[6] > 0
    for attempt in range(5 if searches else 3):
        state = _change(tried, best, patch, attempt, change, low, high, rays, state)
        if not (low < tried[_CHANGED, 0] < high):
            continue
        cost = _total(others, tried, _CHANGED, sight, least, options, patch)
        if cost < least:
            least = cost
            for i in range(3):
                tried[best, i] = tried[_CHANGED, i]
    return least


@njit(inline="always")
@no_type_check
def _change(tried, best, patch, attempt, change, low, high, rays, state):
    """Fill in a plane near the present one: attempts 0, 1, 2 change depth, normal, both a little; 3, 4 search anywhere.

    `rays`: fx, fy, cx, cy of the reference in whole-number pixel places. Gives the state of the random numbers.
    """
    u0, state = _uniform(state)
    u1, state = _uniform(state)
    u2, state = _uniform(state)
    one, two = np.float32(1), np.float32(2)
    tried[_CHANGED, 0] = tried[best, 0]
    if attempt == 3:
        tried[_CHANGED, 0] = low + (high - low) * u0
    elif attempt in (0, 2):
        tried[_CHANGED, 0] = tried[best, 0] * (one + change * (two * u0 - one))
    # a tilt is how much relative depth changes over one focal length
    reach = np.float32(4) * change
    for axis in range(2):
        u = u1 if axis == 0 else u2
        if attempt >= 3:
            tilt = np.float32(3) * u - np.float32(1.5)
        else:
            tilt = -tried[best, 1 + axis] / tried[best, 0] * rays[axis]
            if attempt != 0:
                tilt += reach * (two * u - one)
        tried[_CHANGED, 1 + axis] = -tried[_CHANGED, 0] * tilt / rays[axis]
    return state


@njit(parallel=True, cache=True)
@no_type_check
def normals_of_planes(planes, rays):
    """Unit normals (h, w, 3) in the camera's frame, towards the camera, of planes of inverse depth."""
    height, width = planes.shape[:2]
    normals = np.empty((height, width, 3), np.float32)
    for row in prange(height):
        for column in range(width):
            inverse, right, below = planes[row, column]
            x, y = column - rays[2], row - rays[3]
            # inverse depth = a X/Z + b Y/Z + c on the plane a X + b Y + c Z = 1
            a, b = right * rays[0], below * rays[1]
            c = inverse - right * x - below * y
            length = math.sqrt(a * a + b * b + c * c) + 1e-20
            normals[row, column, 0] = -a / length
            normals[row, column, 1] = -b / length
            normals[row, column, 2] = -c / length
    return normals
