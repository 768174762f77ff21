"""The program itself: its commands, its engine, its state."""

from __future__ import annotations

from engine.explain.base import Entries, Explanation
from engine.i18n import _


def entries() -> Entries:
    """The explanations, by code."""
    return {
        "wrong_usage": Explanation(
            _("The command line is not complete, or a word in it is not known. Nothing was done."),
            "abgleich aprove P7",
            _("The message names what may stand there; the help page of every command has examples."),
            "abgleich approve --help",
        ),
        "bug": Explanation(
            _("Something ended in an error of the program itself. Nothing is lost; it is tried again by itself."),
            _("A situation that nobody foresaw."),
            _("Please report it, with the place that the message names."),
        ),
        "ca_file_unusable": Explanation(
            _("The file with the server's certificate can't be read as one."),
            "ca_file: certs/fe2.pfx",
            _("Export the certificate as PEM: a text that begins with BEGIN CERTIFICATE."),
            "ca_file: certs/fe2.pem",
        ),
        "database_unusable": Explanation(
            _("The database that configuration.yaml names can't be used."),
            "database: mysql://localhost/abgleich",
            _("Write sqlite, or the address of a PostgreSQL database."),
            "database: sqlite",
        ),
        "engine_at_work": Explanation(
            _("An engine is at work on this project already; a second one would do everything twice."),
            "abgleich start",
            _("End the other one, or look at what it does."),
            "abgleich status",
        ),
        "health_port_busy": Explanation(
            _("The port for the health page is taken."),
            "abgleich start --health 8080",
            _("Name another port."),
            "abgleich start --health 0",
        ),
        "log_file_unusable": Explanation(
            _("The log can't be written to the file that was named."),
            "abgleich start --log-file C:\\Windows\\abgleich.log",
            _("Name a file in a folder that may be written to."),
            "abgleich start --log-file log\\abgleich.log",
        ),
        "no_project": Explanation(
            _("There is no project in this folder or above it."),
            "abgleich check",
            _("Go to the project's folder, name it, or make a new one."),
            "abgleich --project D:\\Listen check",
        ),
        "not_writable": Explanation(
            _("A new project can't be written into this folder."),
            "abgleich init C:\\Windows\\listen",
            _("Choose a folder where you may write."),
        ),
        "notice_not_sent": Explanation(
            _("A notice could not be sent. The run itself is not touched by that."),
            "notify:\n  leitung: mailto://…",
            _("Check the address, then try it."),
            "abgleich notify-test",
        ),
        "port_taken": Explanation(
            _("The port for the stand-in is taken."),
            "abgleich simulate fe2 --port 80",
            _("Name another one; 0 takes any that is free."),
            "abgleich simulate fe2 --port 0",
        ),
        "project_exists": Explanation(
            _("There is a project in this folder already; it is not overwritten."),
            "abgleich init",
            _("Choose another folder."),
            "abgleich init neu",
        ),
        "state_gone": Explanation(
            _("The folder .abgleich with the state was taken away while the engine was at work."),
            _("The folder was deleted or moved."),
            _("Put it back, then start the engine again."),
        ),
        "no_triggers": Explanation(
            _("The engine runs, but no mapping tells it when to run, so nothing will happen."),
            _("Every mapping is without `triggers:`, or switched off."),
            _("Name what makes a mapping run."),
            "triggers: [{trigger: file, path: inbox/personal*.csv}]",
        ),
        "state_unusable": Explanation(
            _("The state in the folder .abgleich can't be read or written."),
            _("The disk is full."),
            _("Check free space, permissions, and other programs such as a virus scanner."),
        ),
        "state_version": Explanation(
            _("The state was written by a newer version of the program."),
            _("An older version was installed over a newer one."),
            _("Use the newer version."),
        ),
        "worker_needs_server": Explanation(
            _("Several workers need a PostgreSQL server, and the project uses a file as its database."),
            "abgleich start --worker",
            _("Start one engine without --worker, or name a PostgreSQL database."),
            "abgleich start",
        ),
        "file_exists": Explanation(
            _("A mapping of this name is there already; it is not overwritten."),
            "abgleich new liste.xlsx --to fe2 --out personal.yaml",
            _("Choose another name."),
            "abgleich new liste.xlsx --to fe2 --out mitglieder.yaml",
        ),
        "key_not_found": Explanation(
            _("No row of the list has this key."),
            "abgleich preview personal --key Muster",
            _("Write what stands in the column of the key."),
            "abgleich preview personal --key 1042",
        ),
        "no_connection": Explanation(
            _("configuration.yaml names no connection of this kind yet."),
            "abgleich new liste.xlsx --to greyhound",
            _("Write the connection there as the message shows it, then try again."),
        ),
        "not_a_mapping_place": Explanation(
            _("A mapping lies in the folder mappings of the project, with the ending .yaml."),
            "abgleich new liste.xlsx --to fe2 --out C:\\Temp\\m.txt",
            _("Give a name only, or a place below mappings."),
            "abgleich new liste.xlsx --to fe2 --out mitglieder.yaml",
        ),
        "row_not_frozen": Explanation(
            _("This row can't become a test: it is rejected itself, or no invented row behaves like it."),
            "abgleich test personal --freeze 1042",
            _("Take another person's key, or write the test by hand."),
        ),
        "tests_elsewhere": Explanation(
            _("The tests of the mapping are written in a way that can't be added to without touching other lines."),
            "tests: !include tests.yaml",
            _("Put the test that is shown there yourself."),
        ),
    }
