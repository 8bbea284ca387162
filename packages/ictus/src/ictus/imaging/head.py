"""The anatomy of a drawn head: noiseless Hounsfield units of one axial slice at a time.

Every structure is painted over the ones before it, from the air inwards. Positions are millimetres from the
middle of the head: ``up``, ``back`` and ``left`` (the patient's), as the head lies in an axial slice.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]

FIELD_OF_VIEW_MM: Final = 240.0

AIR, FAT, FLUID, WHITE_MATTER, GREY_MATTER = -1000.0, -90.0, 6.0, 31.0, 45.0
OEDEMA, SCALP, FALX, FRESH_BLOOD, TABLE, DIPLOE, PETROUS = 22.0, 45.0, 56.0, 70.0, 1150.0, 750.0, 950.0
"""Hounsfield units; fluid, white and grey matter spread as in the brains of the starter's training pictures."""

_HALF_BACK, _HALF_LEFT, _CROWN = 92.0, 77.0, 84.0
"""Half axes of the skin, and how high the crown lies above the middle."""

_SCALP_MM, _SKULL_MM = 5.0, 4.2
"""A thin skull, as the young have: most bleeds that the starter learned from are of head injuries."""

_TURN = 0.15
"""Radians by which the head lies turned in its rest (which is not drawn): few patients lie straight."""

_FOLD_STEP_MM: Final = 8.0
"""Between the random numbers that surfaces wander by."""

_GYRI: Final = 13.0
"""Half as many sulci as reach the surface of one slice."""


@dataclass(frozen=True, slots=True)
class Bleed:
    """Fresh blood after a head injury: a clot in the brain and a subdural crescent on the same side.

    The clot is an uneven ellipsoid of about 70 HU with a rim of oedema; both push the midline away.
    ``centre_mm`` is the clot's (up, back, patient's left) from the middle of the head; ``radius_mm`` its mean
    radius; ``subdural_mm`` how thick the crescent is at most, 0 for none.
    """

    centre_mm: tuple[float, float, float] = (12.0, 20.0, -27.0)
    radius_mm: float = 22.0
    subdural_mm: float = 12.0


class HeadSlice:
    """One slice while it is painted.

    Attributes:
        plane: (size, size) float32 Hounsfield units.
        depth: millimetres below the skin, negative outside.
        dura: millimetres below the inner table of the skull, negative outside.
        inside: millimetres below the surface of the brain, which a subdural haemorrhage presses inwards.
    """

    def __init__(self, up: float, size: int, bleed: Bleed | None) -> None:
        self.up = up
        axis = (np.arange(size, dtype=np.float32) - (size - 1) / 2) * np.float32(FIELD_OF_VIEW_MM / size)
        back, left = np.meshgrid(axis, axis, indexing="ij")
        along, across = np.float32(np.cos(_TURN)), np.float32(np.sin(_TURN))
        self.back, self.left = along * back + across * left, along * left - across * back
        self.plane: Plane = np.full((size, size), AIR, np.float32)
        self._outline()
        self._clot: Plane | None = None
        if bleed is not None:
            self._push_by_clot(bleed)
            self._push_by_crescent(bleed)

    def _outline(self) -> None:
        """The skin is an egg, widest behind the ears; the skull below it is thicker where it is cut aslant."""
        dome = float(np.sqrt(max(0.12, 1 - (max(self.up - 5, 0.0) / _CROWN) ** 2)))
        angle = np.arctan2(self.left / _HALF_LEFT, self.back / _HALF_BACK)
        distance = np.hypot(self.left / _HALF_LEFT, self.back / _HALF_BACK)
        egg = 1 + 0.035 * np.cos(angle) - 0.03 * np.cos(2 * angle) ** 2 + 0.018 * np.cos(3 * angle)
        across = np.float32(dome) * (_HALF_BACK + _HALF_LEFT) / 2
        self.depth: Plane = (egg - distance / np.float32(dome)).astype(np.float32) * across
        thickness = _SKULL_MM + 1.2 * np.cos(2 * angle) + 1.2 * np.cos(7 * angle + 1) * np.cos(angle)
        skull_mm = (thickness / max(dome, 0.55)).astype(np.float32)
        self.dura: Plane = self.depth - _SCALP_MM - skull_mm
        self.inside = self.dura

    def ellipse(self, half_back: float, half_left: float, at_back: float, at_left: float) -> Plane:
        """Below 1 inside, 1 on the border."""
        distance: Plane = np.hypot((self.back - at_back) / half_back, (self.left - at_left) / half_left)
        return distance

    def stroke(
        self, start: tuple[float, float], end: tuple[float, float], half_start: float, half_end: float
    ) -> Mask:
        """A tapering line from (back, left) to (back, left) with the half widths of its ends."""
        run_back, run_left = end[0] - start[0], end[1] - start[1]
        length = max(run_back**2 + run_left**2, 1e-6)
        along = ((self.back - start[0]) * run_back + (self.left - start[1]) * run_left) / np.float32(length)
        along = along.clip(0, 1)
        away = np.hypot(self.back - start[0] - along * run_back, self.left - start[1] - along * run_left)
        mask: Mask = away < half_start + along * (half_end - half_start)
        return mask

    def paint(self, mask: Mask, hounsfield: float) -> None:
        """Give the pixels of the mask one value."""
        self.plane[mask] = hounsfield

    def draw(self) -> Plane:
        """Paint everything; the noiseless plane."""
        self._vault()
        self._brain()
        if self.up < -22:
            self._base()
        self._blood()
        return self.plane

    def _vault(self) -> None:
        self.paint(self.depth > 0, SCALP)
        self.paint(self.depth > 2.2, FAT)
        self.paint(self.depth > 4.6, SCALP)
        self.paint(self.depth > _SCALP_MM, TABLE)
        marrow = (self.depth > _SCALP_MM + 2.5) & (self.dura < -2.5)
        self.paint(marrow, DIPLOE)

    def _brain(self) -> None:
        """Cortex below the surface and along the sulci, which wander inwards to a varying depth."""
        brain = self.inside > 0
        self.paint(brain, FLUID)
        fine, coarse = _folds(self.up, self.plane.shape[0])
        around = np.arctan2(self.left, self.back)
        across = np.hypot(self.left, self.back)
        phase = _GYRI * around + 1.1 * coarse + 0.35 * fine + self.up / 9
        from_sulcus = np.abs(np.sin(phase)) * across / _GYRI
        sulcus_mm = 13 + 6 * np.sin(_GYRI * 0.37 * around + self.up / 7) + 4 * coarse
        cortex = (self.inside < 4.0) | ((from_sulcus < 3.0) & (self.inside < sulcus_mm + 3))
        self.paint(self.inside > 1.0, WHITE_MATTER)
        self.paint((self.inside > 1.0) & cortex, GREY_MATTER)
        self.paint(brain & (from_sulcus < 0.55) & (self.inside < sulcus_mm), FLUID + 10)
        if self.up > -22:
            self._deep_nuclei()
            self._ventricles()
            fissure = np.abs(self.left + 0.8 * coarse)
            apart = (np.abs(self.back + 2) > 34) | (self.up > 30)
            self.paint(brain & apart & (fissure < 2.0), (FLUID + GREY_MATTER) / 2)
            self.paint(brain & apart & (fissure < 0.9), FALX)

    def _deep_nuclei(self) -> None:
        shown = 1 - ((self.up - 2) / 22) ** 2
        if shown <= 0.1:
            return
        scale = float(np.sqrt(shown))
        for side in (-1, 1):
            self.paint(self.ellipse(13 * scale, 8 * scale, 8, side * 11) < 1, GREY_MATTER - 1)  # thalamus
            lens = (self.left * side - 23) + 0.35 * (self.back + 6)
            self.paint(
                (self.ellipse(16 * scale, 8 * scale, -6, side * 24) < 1) & (lens > -6), GREY_MATTER
            )  # lentiform nucleus
            self.paint(self.stroke((-26, side * 12), (-16, side * 14), 4 * scale, 3 * scale), GREY_MATTER)
            fissure = self.stroke((-14, side * 40), (-24, side * 58), 1.4 * scale, 2.4 * scale)
            self.paint(fissure & (self.inside > 0), FLUID + 4)
            self.paint(self.stroke((-14, side * 40), (12, side * 42), 1.4 * scale, 0.6 * scale), FLUID + 8)

    def _ventricles(self) -> None:
        up = self.up
        for side in (-1, 1):
            if -4 < up < 22:  # frontal horns and bodies
                width = 3.6 * float(np.sqrt(1 - ((up - 9) / 13.5) ** 2))
                self.paint(self.stroke((-31, side * 11), (-12, side * 5), width, width * 0.7), FLUID)
            if 10 < up < 32:
                width = 4.2 * float(np.sqrt(1 - ((up - 21) / 11.5) ** 2))
                self.paint(self.stroke((-18, side * 7), (16, side * 13), width, width), FLUID)
            if -8 < up < 18:  # atria and occipital horns
                width = 5.0 * float(np.sqrt(1 - ((up - 5) / 13.5) ** 2))
                self.paint(self.stroke((20, side * 21), (44, side * 23), width, width * 0.3), FLUID)
        if -16 < up < 4:
            self.paint(self.stroke((-8, 0), (14, 0), 1.6, 2.2), FLUID)
        if -22 < up < 2:  # quadrigeminal cistern, open to the front
            ring = self.ellipse(11, 15, 14, 0)
            self.paint((ring > 0.82) & (ring < 1.1) & (self.back > 17), FLUID + 3)
        if -2 < up < 10:
            self.paint(self.ellipse(2.2, 2.2, 20, 0) < 1, 110.0)  # the pineal gland's chalk

    def _base(self) -> None:
        """Below the brain's lower edge: petrous bones, cisterns, cerebellum, orbits and sinuses."""
        low = float(np.clip((-self.up - 22) / 36, 0, 1))
        brain = self.inside > 0
        back_fossa = brain & (self.back > 18 + 0.25 * np.abs(self.left)) & (np.abs(self.left) < 58)
        self.paint(back_fossa & (self.inside > 2), GREY_MATTER - 2)
        self.paint(self.ellipse(6, 7 - 2 * low, 30, 0) < 1, FLUID + 4)  # fourth ventricle
        self.paint(self.ellipse(15, 17, 10, 0) < 1, FLUID + 2)
        self.paint(self.ellipse(12, 14, 12, 0) < 1, WHITE_MATTER + 2)  # brain stem
        self.paint(self.ellipse(7 + 4 * low, 12 - 4 * low, -12, 0) < 1, FLUID if low < 0.25 else PETROUS)
        for side in (-1, 1):
            if low > 0.2:
                wide = 3 + 7 * low
                self.paint(
                    self.stroke((-4, side * 12), (24, side * 60), wide * 0.6, wide) & (self.depth > 4),
                    PETROUS,
                )
                cells = (_folds(self.up * 3, self.plane.shape[0])[0] > 0.2) & (self.depth > 5)
                self.paint(cells & (self.ellipse(12 * low, 9 * low, 26, side * 60) < 1), AIR)
                self.paint(self.stroke((-14, side * 14), (-44, side * 58), 2, 3.5) & (self.depth > 4), TABLE)
        if low > 0.3:
            self._orbits(low)

    def _orbits(self, low: float) -> None:
        face = (self.back < -32 - 0.3 * np.abs(self.left)) & (self.depth > 0)
        self.paint(face & (self.depth > 4), FAT)
        for side in (-1, 1):
            self.paint(self.stroke((-34, side * 12), (-84, side * 24), 3.5, 4.0) & face, TABLE)
            self.paint(self.stroke((-46, side * 56), (-66, side * 52), 4, 4) & face, TABLE)
            self.paint(self.stroke((-36, side * 17), (-62, side * 34), 2.2, 2.4), SCALP)  # optic nerve
            if low > 0.45:
                globe = self.ellipse(12, 12, -72, side * 36)
                self.paint(globe < 1, SCALP + 10)
                self.paint(globe < 0.88, FLUID + 6)
        nose = face & (np.abs(self.left) < 11)
        self.paint(nose, AIR)
        self.paint(nose & (np.abs(np.abs(self.left) - 5) < 0.9), 500.0)
        self.paint(face & (self.depth < 5) & (np.abs(self.left) < 16), 600.0)

    def _push_by_clot(self, bleed: Bleed) -> None:
        """Find the clot (below 1 inside) and move what lies around it towards the other side."""
        height, at_back, at_left = bleed.centre_mm
        rise = (self.up - height) / bleed.radius_mm
        if abs(rise) >= 1.3:
            return
        _, rough = _folds(self.up + 211, self.plane.shape[0])
        flat = self.ellipse(bleed.radius_mm * 1.15, bleed.radius_mm * 0.87, at_back, at_left)
        self._clot = (np.hypot(flat, np.float32(rise)) + 0.08 * rough).astype(np.float32)
        near = np.exp(-((self._clot - 0.6).clip(0, None) ** 2)) * min(1, 1.3 - abs(rise))
        self._push(bleed.radius_mm * 0.28 * near, at_left)

    def _push_by_crescent(self, bleed: Bleed) -> None:
        """Press the brain away from the skull, on the side of the clot and around its height."""
        height, _, at_left = bleed.centre_mm
        shown = 1 - ((self.up - height) / 42) ** 2
        if shown <= 0 or bleed.subdural_mm <= 0:
            return
        side = np.sign(at_left)
        around = np.arctan2(self.left * side, -self.back * 0.8)
        thickness = bleed.subdural_mm * np.sqrt(np.cos(around - 1.5).clip(0, 1) * shown)
        self.inside = np.where(self.dura > 0, self.dura - thickness, self.dura).astype(np.float32)
        near = np.exp(-(((self.left - 30 * side) / 45) ** 2))
        self._push(0.6 * float(thickness.max()) * near, at_left)

    def _push(self, millimetres: Plane, from_left: float) -> None:
        """Mass effect: what is painted from here on comes to lie further from the bleeding side."""
        held_by_skull = (self.dura / 13).clip(0, 1)
        self.left = (self.left + millimetres * held_by_skull * np.sign(from_left)).astype(np.float32)

    def _blood(self) -> None:
        uneven, coarse = _folds(self.up + 97, self.plane.shape[0])
        if self._clot is not None:
            brain = self.inside > 1
            self.paint(brain & (self._clot < 1.24 + 0.05 * coarse), OEDEMA)
            clot = brain & (self._clot < 1)
            self.plane[clot] = (FRESH_BLOOD + 4 * uneven - 6 * self._clot)[clot]
        crescent = (self.dura > 0.6) & (self.inside < 0)
        self.plane[crescent] = (FRESH_BLOOD - 4 + 4 * uneven)[crescent]


def draw_slice(up: float, size: int, bleed: Bleed | None) -> Plane:
    """(size, size) float32 Hounsfield units, noiseless, at ``up`` mm above the middle of the head."""
    return HeadSlice(up, size, bleed).draw()


def _folds(up: float, size: int) -> tuple[Plane, Plane]:
    """Two smooth random planes of unit deviation at a height: with the period of the sulci, and coarser."""
    grid = _random_grid()
    position = (up / 14) % (len(grid) - 1)
    below, share = int(position), np.float32(position % 1)
    angle = share * np.float32(np.pi / 2)
    mixed = grid[below] * np.cos(angle) + grid[below + 1] * np.sin(angle)
    fine: Plane = cv2.resize(mixed, (size, size), interpolation=cv2.INTER_CUBIC)
    rows = mixed.shape[0] // 3
    coarse: Plane = cv2.resize(mixed[:rows, :rows], (size, size), interpolation=cv2.INTER_CUBIC)
    return fine, coarse


@cache
def _random_grid() -> NDArray[np.float32]:
    """(layers, rows, columns) standard normal numbers, the same in every process."""
    side = round(FIELD_OF_VIEW_MM / _FOLD_STEP_MM)
    return np.random.default_rng(1861).standard_normal((32, side, side), np.float32)
