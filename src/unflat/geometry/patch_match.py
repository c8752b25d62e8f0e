"""PatchMatch multi-view stereo: a slanted plane for every pixel of a picture, by trying what its neighbours found.

A plane is written as inverse depth and its two slopes over the picture: exactly linear there, so a neighbour's plane
is carried over by two products. What planes cost is computed for many at once (`patch_costs`). Propagation is the
adaptive checkerboard with a choice of views for every pixel (Xu and Tao 2019, ACMH; Galliani et al. 2015, Gipuma); a
later pass asks for agreement with the depth maps of the other pictures (ACMM, section 4). Kernels run on all cores
that Numba may use, and give the same numbers whatever their count: each pixel has random numbers of its own.
"""

from __future__ import annotations

import math
from typing import no_type_check

import numpy as np
from numba import njit, prange

from unflat.geometry.lanes import (
    LANES,
    exponential,
    first_of,
    least_of,
    load,
    load_whole,
    looked_up,
    moved,
    number_of,
    smallest_of,
    store,
    times,
    total_of,
    where,
    where_whole,
)
from unflat.geometry.patch_costs import (
    FAST,
    LEAST_VARIANCE,
    PADDED_SAMPLES,
    WORST,
    cost_room,
    disagreements,
    patch_costs,
    reference_patch,
    sample_places,
)

_REGIONS = 8
_NEAR = np.array([[-1, 0], [-2, -1], [-2, 1], [-3, -2], [-3, 2]], np.int32)
_FAR = np.array([[-3, 0], [-5, 0], [-7, 0], [-9, 0], [-13, 0], [-17, 0], [-21, 0]], np.int32)
"""Pixels of the other colour above a pixel (down, right), of which the best is tried; the other sides by turning."""
MARGIN = int(np.abs(_FAR).max())
"""So far around a picture are costs that are endless."""
_GOOD_START, _GOOD_DECAY, _BAD = 0.8, 90.0, 1.2
"""A view counts as seeing the pixel if enough hypotheses cost less than the first (falling with the iteration), and not
too many more than the last (Xu and Tao 2019, equation 2)."""
_GOOD_NEEDED, _BAD_ALLOWED = 2, 3
_VIEW_SIGMA = 0.3
_GEOMETRIC_WEIGHT = 0.1
"""What a pixel of forward-backward reprojection error costs (ACMM, equation 9)."""
_LEAST_CHANGES, _MOST_CHANGES, _FINER = 3, 5, 0.25
"""Random changes that are tried at once; those beyond the least are so much finer."""
ENDLESS = 1e9
"""Cost of what is not there."""
_NUMBERS = np.arange(LANES, dtype=np.float32)


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


@njit
@no_type_check
def _regions(width):
    """The regions' pixels from the middle, a region in each lane: four near ones, then four far ones, by turning.

    Near regions are filled up with their last. Gives flat indices in a picture with a margin, those in one without,
    and the distances down and to the right (all of them candidates, `LANES`).
    """
    places, bare = np.zeros((len(_FAR), LANES), np.int32), np.zeros((len(_FAR), LANES), np.int32)
    distances = np.zeros((2, len(_FAR), LANES), np.float32)
    for k in range(len(_FAR)):
        for region in range(_REGIONS):
            near = min(k, len(_NEAR) - 1)
            down, right = (_NEAR[near, 0], _NEAR[near, 1]) if region < _REGIONS // 2 else (_FAR[k, 0], _FAR[k, 1])
            for _ in range(region % 4):
                down, right = right, -down
            places[k, region] = down * (width + 2 * MARGIN) + right
            bare[k, region] = down * width + right
            distances[0, k, region], distances[1, k, region] = down, right
    return places, bare, distances[0], distances[1]


@njit(parallel=True, fastmath=FAST, cache=True)
@no_type_check
def sweep(image, others, planes, costs, seen, colour, options, rays):
    """Try the neighbours' planes and random changes of the own on all pixels of one colour of the checkerboard.

    Changes `planes` (h, w, 3), `costs` (h, w, within a margin of `MARGIN` pixels that are `ENDLESS`) and `seen` (h, w),
    a bit for each source that was found to see the pixel.
    `image` is `padded`, `others` are the sources (see `patch_costs`). `options`: iteration, seed, least and largest
    inverse depth, size of changes (0..1), whether to try far regions, whether to search at random, whether the sources'
    inverse depths count, and whether only the sources are asked that were found to see the pixel before.
    """
    height, width = seen.shape
    count = len(others[0])
    iteration, seed = options[0], np.int64(options[1])
    good = np.float32(_GOOD_START * math.exp(-iteration * iteration / _GOOD_DECAY))
    places, regions = sample_places(image.shape[1]), _regions(width)
    for row in prange(height):
        weights, values = np.empty(PADDED_SAMPLES, np.float32), np.empty(PADDED_SAMPLES, np.float32)
        tried, changed = np.zeros((3, LANES), np.float32), np.zeros((3, LANES), np.float32)
        found, sight, room = np.zeros((count, LANES), np.float32), np.empty(count, np.float32), cost_room(count)
        for column in range((row + colour) % 2, width, 2):
            variance = reference_patch(image, row, column, places, weights, values)
            if variance < np.float32(LEAST_VARIANCE):
                costs[row + MARGIN, column + MARGIN] = np.float32(WORST)
                continue
            patch = (np.float32(row), np.float32(column), weights, values, variance)
            many = _gather(planes, costs, row, column, regions, options, tried, changed)
            asked = np.int64(seen[row, column]) if options[8] > 0 and seen[row, column] != 0 else np.int64(-1)
            patch_costs(others, asked, tried, many, patch, room, found)
            mask = _choose_views(found, many, good, sight)
            seen[row, column] = mask
            if mask == 0:
                costs[row + MARGIN, column + MARGIN] = np.float32(WORST)
                continue
            best, least = _cheapest(others, tried, many, found, sight, options, patch)
            state = _seeded(seed + np.int64(iteration) * 7919 + colour, row * width + column)
            many = _change(tried, best, sight, options, rays, state, changed)
            patch_costs(others, mask, changed, many, patch, room, found)
            other, less = _cheapest(others, changed, many, found, sight, options, patch)
            better = less < least
            costs[row + MARGIN, column + MARGIN] = less if better else least
            for i in range(3):
                planes[row, column, i] = changed[i, other] if better else tried[i, best]


@njit(fastmath=FAST, forceinline=True)
@no_type_check
def _gather(planes, costs, row, column, regions, options, tried, carried):
    """Fill in the own plane and those of the best pixels of the regions, carried over; give how many."""
    places, bare, downs, rights = regions
    low, high, far = np.float32(options[2]), np.float32(options[3]), options[5] > 0
    middle, own = np.int32((row + MARGIN) * costs.shape[1] + column + MARGIN), np.int32(row * planes.shape[1] + column)
    least = looked_up(costs, moved(load_whole(places, 0), middle))
    best, down, right = load_whole(bare, 0), load(downs, 0), load(rights, 0)
    for k in range(1, len(_FAR) if far else len(_NEAR)):
        start = k * LANES
        cost = looked_up(costs, moved(load_whole(places, start), middle))
        less = cost < least
        best = where_whole(less, load_whole(bare, start), best)
        down, right = where(less, load(downs, start), down), where(less, load(rights, start), right)
        least = least_of(cost, least)
    known = least < np.float32(ENDLESS)
    best = times(moved(where_whole(known, best, np.int32(0)), own), np.int32(3))
    slope_x, slope_y = looked_up(planes, moved(best, np.int32(1))), looked_up(planes, moved(best, np.int32(2)))
    inverse = looked_up(planes, best) - slope_x * right - slope_y * down
    store(carried, 0, where(known & (inverse > low) & (inverse < high), inverse, np.float32(-1)))
    store(carried, LANES, slope_x)
    store(carried, 2 * LANES, slope_y)
    for i in range(3):
        tried[i, 0] = planes[row, column, i]
    many = 1
    for region in range(_REGIONS if far else _REGIONS // 2):
        for i in range(3):
            tried[i, many] = carried[i, region]
        many += tried[0, many] >= np.float32(0)
    return many


@njit(fastmath=FAST, forceinline=True)
@no_type_check
def _choose_views(found, many, good, sight):
    """Fill in how much each source counts for a pixel; give a bit for each that does.

    Where none convinces, the two that match best under any plane are taken.
    """
    mask = np.int64(0)
    tried = load(_NUMBERS, 0) < np.float32(many)
    for j in range(len(sight)):
        cost = load(found, j * LANES)
        likes = (cost < good) & tried
        goods, bads = number_of(likes), number_of((cost > np.float32(_BAD)) & tried)
        sight[j] = np.float32(0)
        if goods >= _GOOD_NEEDED and bads < _BAD_ALLOWED + (many - 1) // 4:
            liking = exponential(cost * cost * np.float32(-0.5 / (_VIEW_SIGMA * _VIEW_SIGMA)))
            sight[j] = total_of(where(likes, liking, np.float32(0))) / np.float32(goods)
            mask |= np.int64(1) << j
    if mask != 0:
        return mask
    for _ in range(2):
        pick, least = -1, np.float32(WORST)
        for j in range(len(sight)):
            if sight[j] == 0:
                lowest = smallest_of(where(tried, load(found, j * LANES), np.float32(WORST)))
                if lowest < least:
                    pick, least = j, lowest
        if pick >= 0:
            mask |= np.int64(1) << pick
            sight[pick] = np.float32(1)
    return mask


@njit(fastmath=FAST, forceinline=True)
@no_type_check
def _cheapest(others, planes, many, found, sight, options, patch):
    """The plane with the least cost over the sources that count, and that cost."""
    cost, total = load(_NUMBERS, 0) * np.float32(0), np.float32(0)
    for j in range(len(sight)):
        if sight[j] > 0:
            expense = load(found, j * LANES)
            if options[7] > 0:
                error = disagreements(others, j, patch[0], patch[1], load(planes, 0))
                expense = error * np.float32(_GEOMETRIC_WEIGHT) + expense
            cost = expense * sight[j] + cost
            total += sight[j]
    cost = where(load(_NUMBERS, 0) < np.float32(many), cost, np.float32(ENDLESS))
    least = smallest_of(cost)
    return first_of(cost <= least), least / total


@njit(fastmath=FAST, forceinline=True)
@no_type_check
def _change(tried, best, sight, options, rays, state, changed):
    """Fill in planes near the best and, at first, anywhere; give how many.

    Three have another depth, another normal, or a little of both; as many more as fill the lanes, with the sources that
    count, a little less of both. While planes are searched, these are drawn anywhere instead. `rays`: fx, fy, cx, cy of
    the reference in whole-number pixel places; `state`: that of the random numbers.
    """
    low, high, change = np.float32(options[2]), np.float32(options[3]), np.float32(options[4])
    one, two = np.float32(1), np.float32(2)
    # a tilt is how much relative depth changes over one focal length
    four, wide, inverse = np.float32(4), np.float32(1.5), tried[0, best]
    tilt_x, tilt_y = tried[1, best] / inverse * rays[0], tried[2, best] / inverse * rays[1]
    per_x, per_y = one / rays[0], one / rays[1]
    searches, asked, many = options[6] > 0, 0, 0
    for j in range(len(sight)):
        asked += sight[j] > 0
    for attempt in range(_MOST_CHANGES if searches else min(max(LANES // asked, _LEAST_CHANGES), _MOST_CHANGES)):
        u0, state = _uniform(state)
        u1, state = _uniform(state)
        u2, state = _uniform(state)
        changed_inverse, x, y = inverse, tilt_x, tilt_y
        if attempt >= _LEAST_CHANGES and searches:
            changed_inverse = low + (high - low) * u0
            x, y = wide * (two * u1 - one), wide * (two * u2 - one)
        else:
            size = change if attempt < _LEAST_CHANGES else change * np.float32(_FINER)
            if attempt != 1:
                changed_inverse *= one + size * (two * u0 - one)
            if attempt != 0:
                x += size * four * (two * u1 - one)
                y += size * four * (two * u2 - one)
        changed[0, many] = changed_inverse
        changed[1, many], changed[2, many] = changed_inverse * x * per_x, changed_inverse * y * per_y
        many += low < changed_inverse < high
    return many


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
