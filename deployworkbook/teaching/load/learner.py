"""One simulated learner: opens a lesson, runs its cells, thinks, and drags sliders."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from deployworkbook.jupyter.sections import source_of
from deployworkbook.teaching.load.hub_client import HubClient
from deployworkbook.teaching.load.kernel_client import KernelClient

# A cell that takes longer than this has failed; training takes minutes on a busy machine.
CELL_S = 600.0
# A slider that hasn't answered by then is counted with this time.
SLIDER_S = 20.0
# Steps of one drag, and seconds between the answer and the next step: a hand moves on at once.
DRAG_STEPS = 6
STEP_S = 0.12
# Of a lesson's time, learners spend this share reading; the rest is left for cells and drags.
READING_SHARE = 0.7


class Room:
    """What all learners know of each other: who is running a cell.

    Args:
        learners: How many there are.
    """

    def __init__(self, learners: int) -> None:
        self.learners = learners
        self.running: set[str] = set()

    def others_running(self, name: str) -> int:
        """Return how many others are running a cell."""
        return len(self.running - {name})


@dataclass(frozen=True)
class Slide:
    """One step of a slider.

    Args:
        learner: Who moved it.
        seconds: Seconds until the new picture had arrived.
        others_running: How many others were running a cell from beginning to end.
        others_training: Whether all the others were training.
    """

    learner: str
    seconds: float
    others_running: int
    others_training: bool = False


@dataclass(frozen=True)
class CellRun:
    """One cell that was run.

    Args:
        learner: Who ran it.
        number: Its place in the notebook, from 0.
        seconds: How long it took.
        error: What went wrong; empty if nothing did.
    """

    learner: str
    number: int
    seconds: float
    error: str


@dataclass
class Learner:
    """A learner of the rehearsal.

    Args:
        client: The learner's session with the hub.
        room: The class.
        seed: Makes the pauses and the drags the same in each run.
    """

    client: HubClient
    room: Room
    seed: int
    kernel: KernelClient | None = None
    start_s: float | None = None
    kernel_s: float | None = None
    cells: list[tuple[int, str]] = field(default_factory=list)
    runs: list[CellRun] = field(default_factory=list)
    slides: list[Slide] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 (pauses, not secrets)

    @property
    def name(self) -> str:
        """The learner's name."""
        return self.client.name

    async def open(self, notebook: str) -> None:
        """Open a notebook of the running server; connect to its kernel.

        Args:
            notebook: The lesson's file name.
        """
        loop = asyncio.get_running_loop()
        begun = loop.time()
        found = await asyncio.to_thread(self.client.notebook, notebook)
        self.cells = code_cells(found)
        _, kernel_id = await asyncio.to_thread(self.client.open_notebook, notebook)
        self.kernel = KernelClient(self.client.server, self.client.token, kernel_id)
        await self.kernel.connect()
        self.kernel_s = loop.time() - begun

    async def restart(self) -> None:
        """Restart the kernel, as learners do before they go on to something else."""
        kernel = self._connected()
        await asyncio.to_thread(self.client.restart_kernel, kernel.kernel_id)
        kernel.widgets.clear()

    async def run(self, number: int, code: str) -> CellRun:
        """Run one cell; keep what became of it."""
        kernel = self._connected()
        loop = asyncio.get_running_loop()
        begun = loop.time()
        self.room.running.add(self.name)
        try:
            answer = await kernel.run(code, CELL_S)
        finally:
            self.room.running.discard(self.name)
        error = "" if answer.status == "ok" else answer.error or f"no end within {CELL_S:.0f} s"
        done = CellRun(self.name, number, loop.time() - begun, error)
        self.runs.append(done)
        return done

    async def drag(self, steps: int = DRAG_STEPS, *, others_training: bool = False) -> int:
        """Drag a slider; return how many of its steps drew a picture.

        Args:
            steps: How many steps.
            others_training: Whether all the others are training meanwhile.
        """
        kernel = self._connected()
        sliders = kernel.sliders()
        if not sliders:
            return 0
        # The newest explorers are the ones that the learner is looking at.
        slider = self._random.choice(sliders[-3:])
        drawn = 0
        for value in places(kernel.widgets[slider], steps, self._random):
            before = self.room.others_running(self.name)
            answer = await kernel.move(slider, value, SLIDER_S)
            during = min(before, self.room.others_running(self.name))
            timed_out = not answer.picture.is_set() and not answer.idle.is_set()
            if answer.picture_s is not None or timed_out:
                drawn += 1
                seconds = SLIDER_S if answer.picture_s is None else answer.picture_s
                self.slides.append(Slide(self.name, seconds, during, others_training))
            await asyncio.sleep(STEP_S)
        return drawn

    async def take(self, lesson_s: float) -> None:
        """Work through the lesson at a human's pace.

        Args:
            lesson_s: Seconds for all cells together, as far as the learner can decide.
        """
        mean = READING_SHARE * lesson_s / max(1, len(self.cells))
        for number, code in self.cells:
            await self.run(number, code)
            # Most cells are read at once, a few take long: a log-normal distribution of mean 1.
            pause = mean * self._random.lognormvariate(-0.32, 0.8)
            if self._connected().sliders() and self._random.random() < 0.3:
                await self.drag()
            await asyncio.sleep(pause)

    async def close(self) -> None:
        """Close the page, stop the server and give the token back."""
        if self.kernel is not None:
            await self.kernel.close()
        await asyncio.to_thread(self.client.stop_server)

    def _connected(self) -> KernelClient:
        if self.kernel is None:
            raise RuntimeError(f"{self.name} has no kernel yet: call open() first.")
        return self.kernel


def code_cells(notebook: dict[str, Any]) -> list[tuple[int, str]]:
    """Return the places and texts of a notebook's code cells that have any.

    >>> code_cells({"cells": [{"cell_type": "code", "source": ["a = 1"]}, {"cell_type": "raw"}]})
    [(0, 'a = 1')]
    """
    return [
        (number, source_of(cell))
        for number, cell in enumerate(notebook["cells"])
        if cell["cell_type"] == "code" and source_of(cell).strip()
    ]


def places(slider: dict[str, Any], steps: int, source: random.Random) -> Sequence[Any]:
    """Return the values of a drag: there and back, never the same twice in a row.

    Args:
        slider: The slider's state: ``min``, ``max``, ``step`` and ``value``, or the labels of a
            selection and its ``index``.
        steps: How many values.
        source: Decides where the drag begins.
    """
    labels = slider.get("_options_labels")
    if labels is not None:
        low, count, step = 0, len(labels), 1
    else:
        low, step = slider["min"], slider.get("step") or 1
        count = round((slider["max"] - low) / step) + 1
    if count < 2:
        return []
    current = slider.get("index", slider.get("value"))
    at = source.randrange(count)
    direction = 1
    values: list[Any] = []
    while len(values) < steps:
        if not 0 <= at + direction < count:
            direction = -direction
        at += direction
        value = low + at * step
        if not values and value == current:
            continue
        values.append(round(value, 10) if isinstance(value, float) else value)
    return values
