"""``abgleich simulate``: a stand-in server for trying things."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import Annotated

import typer

from engine.cli.common import project_root
from engine.cli.door import Interrupted
from engine.cli.output import show
from engine.cli.usage import Examples
from engine.i18n import _
from engine.problems import UserMustFix, why

PORTS = {"fe2": 8083, "greyhound": 8084}


class Kind(StrEnum):
    """The stand-ins."""

    fe2 = "fe2"
    greyhound = "greyhound"


def summary() -> str:
    """What the command does."""
    return _("Run a stand-in server that follows the vendor's page.")


def examples() -> Examples:
    """Command lines to copy."""
    return (
        ("abgleich simulate fe2", _("FE2 on port 8083")),
        ("abgleich simulate greyhound --port 9000", _("GREYHOUND on another port")),
    )


def command(
    context: typer.Context,
    kind: Annotated[Kind, typer.Argument(metavar="fe2|greyhound", help=_("Which of the two servers to stand in for."))],
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            metavar="PORT",
            min=0,
            max=65535,
            help=_("Another port than 8083 (fe2) or 8084 (greyhound); 0: any."),
        ),
    ] = None,
) -> None:
    """Simulate."""
    from engine.simulator import Fe2Simulator, GreyhoundSimulator

    keys = _access_keys(context)
    chosen = PORTS[kind.value] if port is None else port
    if kind is Kind.fe2:
        server: Fe2Simulator | GreyhoundSimulator = Fe2Simulator(access_key=keys, port=chosen)
    else:
        server = GreyhoundSimulator(users=None, port=chosen)
    try:
        with server:
            show(
                [
                    (
                        "good",
                        _("The stand-in for {name} answers at {url}. End it with Ctrl-C.").format(
                            name=kind.value, url=server.url
                        ),
                    )
                ]
            )
            _follow(server)
    except OSError as error:
        from engine.problems import Problem

        message = _("The port {port} can't be used: {reason}").format(port=chosen, reason=why(error))
        raise UserMustFix(
            Problem("port_taken", message, _("Name another one: --port 0 takes any that is free."))
        ) from None
    except Interrupted:
        return


def _access_keys(context: typer.Context) -> str | None:
    """The access key of the project's only FE2 connection; any key is accepted where that is not clear."""
    from engine.config.load import load
    from engine.config.schema import Fe2Connection

    try:
        project = load(project_root(context))
    except UserMustFix:
        return None
    keys = [c.access_key.get_secret_value() for c in project.connections.values() if isinstance(c, Fe2Connection)]
    return keys[0].strip() if len(keys) == 1 else None


def _follow(server: object) -> None:
    """Say what comes in: method and status, and every breach of the vendor's rules; never who."""
    from engine.simulator import Fe2Simulator, GreyhoundSimulator

    assert isinstance(server, Fe2Simulator | GreyhoundSimulator)
    requests = breaches = 0
    while True:
        time.sleep(0.2)
        for request in server.requests[requests:]:
            if request.status is None:
                break
            requests += 1
            held = len(server.persons) if isinstance(server, Fe2Simulator) else len(server.contacts)
            text = _("{method} {path} → {status}, holds {count}").format(
                method=request.method, path="/".join(request.path.split("/")[:4]), status=request.status, count=held
            )
            show([("dim", text)])
        for sentence in server.breaches[breaches:]:
            show([("bad", sentence)])
        breaches = len(server.breaches)
