"""Starts agents as job steps of a Slurm allocation, from a login node, and takes the allocation back.

    submit a job that waits on each node → it runs → bundle by sbcast → install, key, name → let in → go → serving

The nodes need no ssh, no shared file system and no plctl. What is on them is the job's, in one folder a node, and ends
with it: by `plctl deploy --engine slurm --remove`, by scancel, or by the job's time limit. Agents are called
NODE.jobNUMBER, so they never take the place of ones that were deployed otherwise.
"""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import Callable, Sequence

from plctl.common.base.clock import RealClock, format_wall
from plctl.common.base.errors import UserError, WorldError
from plctl.common.security.allow_list import AllowEntry, AllowList
from plctl.common.security.keys import check_name
from plctl.deploy.slurm import scripts
from plctl.deploy.slurm.job import JOB_NAME, QUEUE_FORMAT, Job, LoginNode, Wish, count_nodes, is_of_job, read_job
from plctl.deploy.slurm.reasons import is_lasting

_END_IT = "plctl deploy --engine slurm --remove"
_LOOK_EVERY_S = 0.5
_LOOKS_AT_QUEUE = 10  #: a tenth of the time waited lies between two looks, so that nobody asks Slurm for hours
_SERVING_S = 60.0  #: from letting agents start until the controller has welcomed all
_ENDING_S = 90.0  #: from scancel until the job is gone: Slurm's KillWait, 30 s unless told otherwise, and some more


class SlurmEngine:
    """Agents in Slurm's hands, on behalf of the account that `login` belongs to."""

    def __init__(self, login: LoginNode, allowed: AllowList, say: Callable[[str], None]) -> None:
        """Let agents into `allowed`, the controller's list, and tell each step to `say`."""
        self._login = login
        self._allowed = allowed
        self._say = say

    async def start(self, wish: Wish, find_bundle: Callable[[str, str], bytes]) -> list[str]:
        """See that an allocation with agents as in `wish` runs; the names of the agents that were started.

        None are if there is such an allocation already.

        :param find_bundle: (Python as ``3.11``, architecture) → the archive for such nodes (`plctl.deploy.bundle`).
        :raises UserError: a job of ours runs that is another.
        :raises WorldError: a step fails; the job is ended and nobody was let in. Or there is a job of ours whose agents
            do not serve.
        """
        if jobs := await self.jobs():
            await self._require_serving(jobs[0], wish)
            self._say(f"job {jobs[0].number} runs {wish.comment} on {jobs[0].detail}: nothing to change")
            return []
        number = await self._submit_whole(wish)
        names: list[str] = []
        try:
            await self._await_start(number, wish.patience_s)
            bundle = find_bundle(*await self._inspect(number, wish.nodes))
            await self._install(number, wish, bundle, names)
            await self._step(number, wish.nodes, scripts.GO)
            await self._await_serving(number, wish.nodes)
        except BaseException as error:
            self._revoke(names)
            self._say(f"ending job {number}")
            try:
                await self._end([number])
            except WorldError as left:
                raise WorldError(f"{error}; and {left}") from error
            raise
        return names

    async def remove(self) -> list[str]:
        """End every job of ours and let its agents in no more; in sentences what was done.

        :raises WorldError: Slurm refuses, or a job does not end.
        """
        numbers = [job.number for job in await self.jobs()]
        if numbers:
            await self._end(numbers)
        names = [entry.name for entry in self._allowed.entries() if is_of_job(entry)]
        self._revoke(names)
        return [*(f"ended job {number}" for number in numbers), *(f"revoked the key of {name}" for name in names)]

    async def jobs(self) -> list[Job]:
        """The jobs of ours that wait, run or are ending.

        :raises WorldError: there is no Slurm, or it does not answer.
        """
        shown = await self._must(f"squeue --me --noheader --name={JOB_NAME} --format='{QUEUE_FORMAT}'")
        return [read_job(line) for line in shown]

    async def _require_serving(self, job: Job, wish: Wish) -> None:
        """Refuse a job that is not what `wish` says, or whose agents do not serve: what started it was broken off."""
        if (job.comment, job.nodes) != (wish.comment, wish.nodes):
            raise UserError(
                f"job {job.number} runs {job.comment} on {count_nodes(job.nodes)}, not {wish.comment} on "
                f"{count_nodes(wish.nodes)}; end it first: {_END_IT}"
            )
        if job.state != "RUNNING":
            what = f"{job.state.lower()} {job.detail}"
            raise WorldError(f"job {job.number} is there already, {what}; wait for it, or end it: {_END_IT}")
        try:
            await self._step(job.number, job.nodes, scripts.LOOK)
        except WorldError as error:
            raise WorldError(
                f"job {job.number} runs, but not all its agents serve: {error}; end it: {_END_IT}"
            ) from None

    async def _submit_whole(self, wish: Wish) -> str:
        """Submit, and end the job if that is cancelled meanwhile: without its number nobody could take it back."""
        submitting = asyncio.ensure_future(self._submit(wish))
        try:
            return await asyncio.shield(submitting)
        except asyncio.CancelledError:
            await self._end([await submitting])
            raise

    async def _submit(self, wish: Wish) -> str:
        options = [
            f"--job-name={JOB_NAME}", f"--comment={wish.comment}", f"--nodes={wish.nodes}", "--ntasks-per-node=1",
            "--output=/dev/null", "--no-requeue", "--chdir=/", *wish.sbatch,
        ]  # fmt: skip
        lines = await self._must(f"sbatch --parsable {shlex.join(options)}", scripts.batch(wish.controller).encode())
        number = lines[-1].partition(";")[0]
        self._say(f"job {number} for {count_nodes(wish.nodes)} is submitted; Ctrl-C takes it back")
        return number

    async def _await_start(self, number: str, patience_s: float) -> None:
        began = time.monotonic()
        told = ""
        while True:
            job = next((job for job in await self.jobs() if job.number == number), None)
            if job is None:
                raise WorldError(f"job {number} ended at once; what Slurm knows: scontrol show job {number}")
            if job.state == "RUNNING":
                self._say(f"job {number} runs on {job.detail}")
                return
            if is_lasting(job.detail):
                raise WorldError(f"job {number} would wait until somebody steps in: {job.detail}")
            left_s = began + patience_s - time.monotonic()
            if left_s < 0:
                raise WorldError(f"job {number} still waits after {patience_s:g} s: {job.detail}")
            if job.detail not in (told, "(None)"):  # the latter before Slurm has looked at it
                told = job.detail
                self._say(f"job {number} waits: {told}")
            pause_s = max(_LOOK_EVERY_S, (patience_s - left_s) / _LOOKS_AT_QUEUE)
            await asyncio.sleep(min(pause_s, left_s))

    async def _inspect(self, number: str, nodes: int) -> tuple[str, str]:
        """Python and architecture of the nodes, which must be alike."""
        found = sorted(set(await self._step(number, nodes, scripts.INSPECT)))
        if len(found) != 1:
            raise WorldError(f"the nodes differ ({', '.join(found)}): choose alike ones, e.g. by --constraint")
        python, _, architecture = found[0].partition(" ")
        return python, architecture

    async def _install(self, number: str, wish: Wish, bundle: bytes, names: list[str]) -> None:
        """Bring plctl to all nodes and let their agents in; `names` grows with each."""
        await self._must(scripts.send(number), bundle)
        for line in await self._step(number, wish.nodes, scripts.install(wish.controller_public)):
            name, _, public = line.partition(" ")
            check_name(name)
            self._allowed.add(AllowEntry(name, "agent", public, format_wall(RealClock().wall_ns())))
            names.append(name)
        self._say(f"plctl {wish.version} is on {count_nodes(len(names))}, and the agents' keys are known")

    async def _await_serving(self, number: str, nodes: int) -> None:
        deadline = time.monotonic() + _SERVING_S
        while True:
            try:
                await self._step(number, nodes, scripts.LOOK)
            except WorldError as error:
                if time.monotonic() > deadline:
                    raise WorldError(f"not all agents serve after {_SERVING_S:g} s: {error}") from None
            else:
                self._say("the agent serves" if nodes == 1 else f"{nodes} agents serve")
                return
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _end(self, numbers: Sequence[str]) -> None:
        """Cancel jobs and return when nothing of them runs any more."""
        await self._must(f"scancel {' '.join(numbers)}")
        deadline = time.monotonic() + _ENDING_S
        while left := [job.number for job in await self.jobs() if job.number in numbers]:
            if time.monotonic() > deadline:
                raise WorldError(f"job {', '.join(left)} has not ended {_ENDING_S:g} s after scancel")
            await asyncio.sleep(_LOOK_EVERY_S)

    def _revoke(self, names: Sequence[str]) -> None:
        for name in names:
            self._allowed.remove(name)

    async def _step(self, number: str, nodes: int, script: str) -> list[str]:
        """What `script` prints on all nodes of a job, beside the step that is there already."""
        options = f"--jobid={number} --overlap --nodes={nodes} --ntasks-per-node=1 --chdir=/"
        return await self._must(f"srun {options} sh -c {shlex.quote(script)}")

    async def _must(self, command: str, stdin: bytes = b"") -> list[str]:
        """The lines that `command` prints, which must succeed."""
        answer = await self._login.run(command, stdin)
        if answer.exit_status != 0:
            tool, _, _ = command.partition(" ")
            raise WorldError(
                f"{tool} failed on the login node: {answer.stderr.strip() or f'exit status {answer.exit_status}'}"
            )
        return answer.stdout.splitlines()
