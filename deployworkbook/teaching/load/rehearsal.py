"""Play a class against a hub, in four acts, and clean up behind it.

1. All learners log in and start their servers at once, and open the lesson.
2. The first one alone runs the lesson up to its first slider and drags it: nothing else happens.
3. All work through the lesson at a human's pace.
4. The others restart their kernels and train a model; the first one drags meanwhile.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from deployworkbook.teaching.load.hub_client import HubClient
from deployworkbook.teaching.load.learner import Learner, Room
from deployworkbook.teaching.load.memory import learners_bytes, servers
from deployworkbook.teaching.load.result import LoadResult

Result = TypeVar("Result")

START_S = 300.0
QUIET_STEPS = 40
TRAINING_S = 60.0
# Looking at all processes' memory takes some milliseconds of processor time.
MEMORY_EVERY_S = 3.0

# What the others do in the last act: train the workbook's model anew, as lesson 04 does.
TRAIN = """\
from deployworkbook.training import Recipe, load_dataset, train

train(load_dataset("auto"), Recipe(epochs=3, seed={seed}))
"""


@dataclass(frozen=True)
class Seat:
    """An account for a rehearsal.

    Args:
        name: The learner's name.
        password: The learner's password.
        class_password: The class's password, if the hub asks for it.
    """

    name: str
    password: str
    class_password: str = ""


@dataclass
class Rehearsal:
    """A class that is played against a hub.

    Args:
        hub: The hub's address.
        seats: The accounts, one per learner.
        notebook: The lesson's file name.
        minutes: Minutes of the third act.
        seed: Makes pauses and drags the same in each run.
        say: Called with a sentence as each act begins.
    """

    hub: str
    seats: Sequence[Seat]
    notebook: str
    minutes: float
    seed: int = 0
    say: Callable[[str], None] = lambda sentence: None
    learners: list[Learner] = field(default_factory=list)
    most_bytes: dict[str, int] = field(default_factory=dict)
    training_bytes: dict[str, int] = field(default_factory=dict)
    is_training: bool = False
    most_total_bytes: int = 0

    async def play(self) -> LoadResult:
        """Play all acts; stop every server that was started, whatever happens.

        Ctrl-C ends the act and cleans up; the result then has what was measured so far.
        """
        loop = asyncio.get_running_loop()
        begun = loop.time()
        room = Room(len(self.seats))
        self.learners = [
            Learner(HubClient(self.hub, seat.name), room, self.seed + number)
            for number, seat in enumerate(self.seats)
        ]
        watch = asyncio.create_task(self._watch_memory())
        was_stopped = False
        try:
            await self._acts()
        except asyncio.CancelledError:
            was_stopped = True
            self.say("Stopped. The servers that were started are being stopped, too.")
        finally:
            watch.cancel()
            await asyncio.shield(self._leave())
        return self._result(loop.time() - begun, was_stopped)

    async def _acts(self) -> None:
        count = len(self.learners)
        self.say(f"1 of 4: {count} learners log in and start their servers.")
        await self._each(self._arrive(each, seat) for each, seat in self._pairs())
        present = [each for each in self.learners if each.kernel is not None]
        if not present:
            return
        self.say("2 of 4: one learner alone drags a slider.")
        first, *others = present
        await self._guard(first, self._to_the_first_slider(first))
        self.say(f"3 of 4: all work through {self.notebook} for {self.minutes:g} minutes at most.")
        await self._each(
            self._guard(each, self._within(each.take(self.minutes * 60), self.minutes * 60))
            for each in present
        )
        if others:
            self.is_training = True
            self.say(f"4 of 4: one learner drags a slider while {len(others)} train.")
            await self._guard(first, self._drag_while_training(first, others))

    async def _arrive(self, learner: Learner, seat: Seat) -> None:
        async def arrive() -> None:
            client = learner.client
            await asyncio.to_thread(client.log_in, seat.password, seat.class_password)
            learner.start_s = await asyncio.to_thread(client.start_server, START_S)
            await learner.open(self.notebook)

        await self._guard(learner, arrive())

    async def _to_the_first_slider(self, learner: Learner) -> None:
        for number, code in learner.cells:
            await learner.run(number, code)
            if learner.kernel and learner.kernel.sliders() and await learner.drag(QUIET_STEPS):
                return

    async def _drag_while_training(self, first: Learner, others: Sequence[Learner]) -> None:
        async def train(learner: Learner, seed: int) -> None:
            await learner.restart()
            end = asyncio.get_running_loop().time() + TRAINING_S
            while asyncio.get_running_loop().time() < end:
                if (await learner.run(-1, TRAIN.format(seed=seed))).error:
                    return

        async def drag() -> None:
            while True:
                everybody = first.room.others_running(first.name) == len(others)
                await first.drag(others_training=everybody)
                await asyncio.sleep(0.5)

        dragging = asyncio.create_task(drag())
        try:
            await self._each(
                self._guard(each, train(each, number)) for number, each in enumerate(others)
            )
        finally:
            dragging.cancel()
            with suppress(asyncio.CancelledError):
                await dragging

    async def _within(self, work: Coroutine[Any, Any, None], most_s: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(work, most_s)

    async def _guard(self, learner: Learner, work: Coroutine[Any, Any, None]) -> None:
        """Let one learner fail without stopping the others."""
        try:
            await work
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            learner.trouble.append(str(error) or type(error).__name__)

    async def _each(self, work: Any) -> None:
        await asyncio.gather(*work)

    async def _watch_memory(self) -> None:
        found: dict[str, int] = {}
        names = {seat.name for seat in self.seats}
        while True:
            if set(found) != names:
                everybody = await asyncio.to_thread(servers)
                found = {name: pid for name, pid in everybody.items() if name in names}
            used = await asyncio.to_thread(learners_bytes, found)
            for name, size in used.items():
                most = self.training_bytes if self.is_training else self.most_bytes
                most[name] = max(size, most.get(name, 0))
            self.most_total_bytes = max(self.most_total_bytes, sum(used.values()))
            await asyncio.sleep(MEMORY_EVERY_S)

    async def _leave(self) -> None:
        await asyncio.gather(*(each.close() for each in self.learners), return_exceptions=True)

    def _pairs(self) -> list[tuple[Learner, Seat]]:
        return list(zip(self.learners, self.seats, strict=True))

    def _result(self, seconds: float, was_stopped: bool) -> LoadResult:
        everybody = self.learners
        kernels = [each.kernel for each in everybody if each.kernel is not None]
        return LoadResult(
            len(everybody),
            self.notebook.removesuffix(".ipynb"),
            seconds,
            tuple(each.start_s for each in everybody if each.start_s is not None),
            tuple(each.kernel_s for each in everybody if each.kernel_s is not None),
            tuple(slide for each in everybody for slide in each.slides),
            tuple(run for each in everybody for run in each.runs),
            dict(self.most_bytes),
            dict(self.training_bytes),
            self.most_total_bytes,
            sum(kernel.lost for kernel in kernels),
            sum(kernel.restarts for kernel in kernels),
            tuple(f"{each.name}: {what}" for each in everybody for what in each.trouble),
            was_stopped,
        )


def say_on_stderr(sentence: str) -> None:
    """Print a sentence where it doesn't mix with the result."""
    print(sentence, file=sys.stderr, flush=True)


def seats_from(passwords: Mapping[str, str] | str, count: int) -> list[Seat]:
    """Return the accounts of a rehearsal.

    Args:
        passwords: Learners' passwords by name, or the class's password.
        count: How many learners.

    Raises:
        ValueError: The list has too few.

    >>> [seat.name for seat in seats_from("our class", 2)]
    ['load-1', 'load-2']
    """
    from deployworkbook.validation import value_error

    if isinstance(passwords, str):
        return [Seat(f"load-{number}", "", passwords) for number in range(1, count + 1)]
    if len(passwords) < count:
        raise value_error(
            "--password-file",
            received=f"{len(passwords)} learners",
            expected=f"at least {count}, as many as are to be simulated",
        )
    return [Seat(name, password) for name, password in list(passwords.items())[:count]]
