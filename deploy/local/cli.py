"""`ictus-stack`: what ``make run``, ``make stop`` and ``make status`` call."""

import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from local.backup import commands as backup_commands
from local.errors import StackError, fail
from local.ports import gateway_port
from local.sample import SCOPES, SampleOutcome, analyse_sample
from local.stack import EVERYTHING, LocalStack
from local.supervisor_client import Supervisor

app = typer.Typer(
    help="Run a whole Ictus on this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(backup_commands.app)
Data = Annotated[Path, typer.Option("--data", help="Folder of databases, objects, secrets and logs.")]


class _Interrupted(BaseException):
    """Somebody asked for the end: Ctrl-C, ``make stop`` or a closed terminal."""


@app.command()
def run(
    data: Data = Path(".local"),
    port: Annotated[int | None, typer.Option(help="Port of the web address.", min=1, max=65535)] = None,
) -> None:
    """Start everything, show where it is, and stop it at Ctrl-C."""
    console = Console(highlight=False)
    _end_on_signals()
    started = time.monotonic()
    stack: LocalStack | None = None
    failure: str | None = None
    try:
        with _progress(console) as progress:
            stack = LocalStack(
                data,
                ports=gateway_port(data / "ports.json", port),
                announce=lambda title: _step(progress, console, title),
            )
            stack.prepare()
            stack.start(EVERYTHING)
            sample = _first_sample(stack, progress, console)
        _show(console, stack, sample, time.monotonic() - started)
        _watch(stack)
    except _Interrupted:
        pass
    except StackError as error:
        failure = str(error)
    finally:
        _ignore_signals()
        if stack is not None and stack.owns_supervisor:
            with console.status("Stopping…") if console.is_terminal else nullcontext():
                stack.stop()
            console.print("Everything is stopped; the data is kept." if failure is None else "Stopped.")
    if failure is not None:
        fail(failure)


@app.command()
def stop(data: Data = Path(".local")) -> None:
    """Stop every process of the stack in `data`, the databases last."""
    supervisor = Supervisor(data.resolve() / "run")
    if not supervisor.is_running():
        typer.echo("Ictus does not run here.")
        return
    supervisor.shut_down()
    typer.echo("Everything is stopped; the data is kept.")


@app.command()
def status(data: Data = Path(".local")) -> None:
    """List the processes of the stack in `data`."""
    supervisor = Supervisor(data.resolve() / "run")
    if not supervisor.is_running():
        fail("Ictus does not run here: `make run` starts it.")
    for process in supervisor.states():
        typer.echo(f"{process.name:<14} {process.state:<9} {process.pid or '':>7}")


@app.command()
def smoke(
    url: Annotated[str, typer.Option(help="Address of a running gateway.")],
    api_key: Annotated[
        str, typer.Option(envvar="ICTUS_API_KEY", help="Key that may write and read studies.")
    ],
) -> None:
    """Send the sample study to any running Ictus and wait for its answer and report."""
    try:
        outcome = analyse_sample(url.rstrip("/"), api_key)
    except StackError as error:
        fail(str(error))
    typer.echo(_sentence(outcome))


def main() -> None:
    """Run the command line."""
    app()


def _end_on_signals() -> None:
    def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
        raise _Interrupted

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)


def _ignore_signals() -> None:
    """Let an impatient second Ctrl-C not cut the databases' orderly end short."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _progress(console: Console) -> Progress:
    columns = (SpinnerColumn(finished_text="[green]✓"), TextColumn("{task.description}"), TimeElapsedColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)


@contextmanager
def _step(progress: Progress, console: Console, title: str) -> Iterator[None]:
    started = time.monotonic()
    task = progress.add_task(title, total=1)
    yield
    progress.update(task, completed=1)
    if not console.is_terminal:
        console.print(f"✓ {title} ({time.monotonic() - started:.1f} s)")


def _first_sample(stack: LocalStack, progress: Progress, console: Console) -> SampleOutcome | None:
    """Have the sample analysed unless an earlier run did."""
    done = stack.data / "sample.json"
    if done.exists():
        return None
    with _step(progress, console, "sample study"):
        scopes = [option for scope in SCOPES for option in ("--scope", scope)]
        key = stack.run_command(
            "gateway", "gateway.cli", "create-api-key", "Bundled sample", "--hours", "0.25", *scopes
        )
        outcome = analyse_sample(stack.url("gateway"), key.strip())
    done.write_text(json.dumps({"study_id": outcome.study_id}) + "\n")
    return outcome


def _show(console: Console, stack: LocalStack, sample: SampleOutcome | None, seconds: float) -> None:
    admin = stack.first_admin
    login = (
        f"{admin.email}  [bold]{escape(admin.one_time_password)}[/bold]  (good for one sign-in, shown this once)"
        if admin
        else "as before; another administrator can reset a password"
    )
    rows = [("Address", f"[bold]{stack.url('gateway')}[/bold]"), ("Login", login)]
    if sample is not None:
        rows.append(("Sample", _sentence(sample)))
    rows += [
        ("Data", f"{stack.data}  (logs in {stack.data / 'logs'})"),
        ("Stop", "Ctrl-C here, or `make stop`"),
    ]
    text = "\n".join(f"{name:<8} {value}" for name, value in rows)
    if console.is_terminal:
        console.print(Panel(text, title=f"Ictus runs ({seconds:.0f} s)", expand=False))
    else:
        console.print(f"\nIctus runs ({seconds:.0f} s)\n{text}\n", soft_wrap=True)


def _sentence(sample: SampleOutcome) -> str:
    likely = (
        "" if sample.stroke_probability is None else f", stroke probability {sample.stroke_probability:.2f}"
    )
    answer = f"{sample.disposition}: {sample.finding or 'no finding stated'}{likely}"
    return f"{answer}, in {sample.seconds:.1f} s; report of {len(sample.report) // 1024} KB"


def _watch(stack: LocalStack) -> None:
    """Wait for the order to end; a supervisor that somebody else stopped is one too."""
    forever = threading.Event()
    while stack.supervisor.is_running():
        forever.wait(1.0)
