"""A run, its plan, the guard, and what became of them."""

from __future__ import annotations

from engine.explain.base import Entries, Explanation
from engine.i18n import _


def entries() -> Entries:
    """The explanations, by code."""
    return {
        "condition_not_met": Explanation(
            _("A condition of the mapping did not hold, so the run was skipped. Nothing was sent."),
            'conditions:\n  - "{{ source.rows > 20 }}"',
            _("Nothing is to be done if that was meant; else change the condition."),
        ),
        "connection_busy": Explanation(
            _("Another run writes to the same connection for a long time. Two at once would undo each other."),
            _("A long run by hand while the engine is at work."),
            _("Wait for it to end, then run again."),
            "abgleich status",
        ),
        "cut_off": Explanation(
            _("A run has no end on record: it is still going on, or the computer was switched off."),
            _("Power failure during a run."),
            _("Run the mapping again: what is not known is sent again."),
        ),
        "empty_list": Explanation(
            _("The list for FE2 would be empty. It is never sent: FE2 would delete everybody."),
            _("The last person of a mapping is to be removed."),
            _("Delete the last persons one by one."),
            "removal: delete",
        ),
        "first_sync": Explanation(
            _(
                "From here nothing was ever sent to this FE2. It would remove everybody whom another "
                "program brought there, so the plan waits."
            ),
            _("The first run of a new installation."),
            _("Compare the number of persons with FE2, then approve."),
            "abgleich approve P1",
        ),
        "kept_over_there": Explanation(
            _("A person was forgotten here, but the contact stays in GREYHOUND, since the mapping allows no removal."),
            "removal: keep",
            _("Delete the contact by hand, or allow the removal in the mapping."),
            "removal: trash",
        ),
        "keys_changed": Explanation(
            _(
                "Many persons would go and many come at the same time: this is what a changed key "
                "column looks like. The plan waits."
            ),
            _("A spreadsheet ate the leading zeros of the numbers."),
            _("Export the list again with the old numbers. If everything is right, approve the plan."),
        ),
        "mapping_disabled": Explanation(
            _("The mapping is switched off, so it changes nothing."),
            "enabled: false",
            _("Switch it on."),
            "enabled: true",
        ),
        "mapping_exists": Explanation(
            _("The people of a mapping are to be released, but the mapping still exists."),
            "abgleich release personal",
            _("Delete its file or switch it off first."),
            "enabled: false",
        ),
        "match_unknown": Explanation(
            _(
                "Several user fields hold the key of the people to be removed; which one finds the "
                "contacts can't be told."
            ),
            _("The mapping was deleted before it ran with its last match."),
            _("Put the mapping back, run it once, then delete and release it again."),
        ),
        "may_come_back": Explanation(
            _("A person was erased, but still stands in the list: the next run brings them again."),
            "abgleich forget personal 1042",
            _("Take the person out of the list first."),
        ),
        "nobody_left": Explanation(
            _("Nobody would be left in a connection. Nothing was written."),
            _("All rows of the list are rejected."),
            _("Mend the rows or the mapping; is the file the right one?"),
        ),
        "nobody_looks_after": Explanation(
            _("People were sent by a mapping that no longer exists. They stay as last sent."),
            _("A mapping's file was deleted or its id was changed."),
            _("Put the mapping back, or plan the removal of its people."),
            "abgleich release personal",
        ),
        "none_selected": Explanation(
            _("No row takes part. That is refused, since everybody would be removed."),
            "where: \"{{ status == 'Aktiv ' }}\"",
            _("Compare where with what stands in the list."),
            "where: \"{{ status == 'aktiv' }}\"",
        ),
        "not_tried": Explanation(
            _("A change was not tried, because the target stopped before."),
            _("GREYHOUND went away in the middle of a run."),
            _("Mend what stopped the target; the next run does the rest."),
        ),
        "plan_applied": Explanation(
            _("A list waited with a plan, and the plan was approved. The list is done."),
            "abgleich approve P7",
            _("Nothing is to be done."),
        ),
        "plan_not_open": Explanation(
            _("The plan does not wait any more: it was carried out, rejected or superseded."),
            "abgleich approve P7",
            _("Look at the runs, or run the mapping again for a new plan."),
            "abgleich runs",
        ),
        "plan_rejected": Explanation(
            _("A list waited with a plan, and the plan was rejected. Nothing was written."),
            "abgleich reject P7",
            _("Correct the list and put it into the folder again."),
        ),
        "plan_stale": Explanation(
            _(
                "A plan no longer fits: the mapping, the connection, the file or what was sent last "
                "has changed since. Nothing was written."
            ),
            "abgleich apply P7",
            _("Run the mapping again: that makes a new plan."),
            "abgleich run personal",
        ),
        "plan_superseded": Explanation(
            _("A list waited with a plan, and a later run planned something else."),
            _("A newer list came before the older one was approved."),
            _("Decide about the newer plan."),
            "abgleich status",
        ),
        "release": Explanation(
            _("The people of a mapping that no longer exists are to be removed. The plan waits for an approval."),
            "abgleich release personal",
            _("Look at the plan, then approve or reject it."),
            "abgleich approve P7",
        ),
        "rows_without_key": Explanation(
            _("Some rows have no key and could be anybody, so nobody is removed in this run, whoever approves."),
            "Personalnummer;Vorname\n;Max",
            _("Fill in the keys, or leave these rows out with `where`, then run again."),
        ),
        "same_content": Explanation(
            _("The file holds what it held in its last run, so it is not run again."),
            _("The same export was saved once more."),
            _("Nothing is to be done. To send everything again, run by hand."),
            "abgleich run personal --full",
        ),
        "server_changed": Explanation(
            _(
                "A connection leads to another server or organisation than the one these people were "
                "sent to. The same ids may be other people there."
            ),
            _("The url or the access_key of the connection was changed."),
            _("Put address and key back to remove people there; else delete them over there by hand."),
        ),
        "shrunk": Explanation(
            _("The file has far fewer rows than the last good one. The plan waits."),
            _("Only one platoon was exported instead of all."),
            _("Is the file complete? Then approve the plan; else export it again."),
            "abgleich approve P7",
        ),
        "superseded": Explanation(
            _("A newer file waited at the same time. Every file is a whole list, so only the newest is run."),
            _("Two exports of one day lie in the inbox."),
            _("Nothing is to be done. Where several files make one list, say so."),
            "combine: all",
        ),
        "tls_not_verified": Explanation(
            _("The connection takes any certificate, so the server could be anybody."),
            "verify_tls: false",
            _("Name the server's certificate instead."),
            "ca_file: certs/fe2.pem",
        ),
        "too_many_changes": Explanation(
            _("More known persons would change than max_changes allows. The plan waits."),
            _("A column was moved, and every person gets another number."),
            _("Look at the changes; if they are right, approve the plan."),
            "abgleich approve P7",
        ),
        "too_many_rejected": Explanation(
            _("More rows are rejected than max_rejected allows. The plan waits."),
            _("All telephone numbers come in a new form."),
            _("Mend the rows or the mapping, then run again."),
        ),
        "too_many_removals": Explanation(
            _(
                "More persons would be removed, or lose their alarm groups, than max_removals allows. "
                "They stay as last sent until somebody approves."
            ),
            _("A department is missing in the export."),
            _("If it is right, approve the plan; else correct the list."),
            "abgleich approve P7",
        ),
        "unknown_mapping": Explanation(
            _("There is no mapping of this name, or nobody was sent by it."),
            "abgleich release personl",
            _("Write the id as `abgleich status` shows it."),
            "abgleich release personal",
        ),
        "unknown_person": Explanation(
            _("Nobody with this key was sent by the mapping."),
            "abgleich forget personal Mustermann",
            _("Write the key of the list, not a name."),
            "abgleich forget personal 1042",
        ),
        "unknown_plan": Explanation(
            _("There is no plan of this number."),
            "abgleich approve 7",
            _("Write the number as `abgleich status` shows it."),
            "abgleich approve P7",
        ),
        "unknown_run": Explanation(
            _("There is no run of this number."),
            "abgleich show 7",
            _("Write the number as `abgleich runs` shows it."),
            "abgleich show 2026-11-22-3",
        ),
        "lock_lost": Explanation(
            _("The run lost its lock while it wrote, so another run may write to the same server. It stopped."),
            _("The PostgreSQL server was restarted during a run."),
            _("Run again: what was written is noted, the rest follows. The engine does so by itself."),
        ),
    }
