"""FE2: its rules, its settings, its answers."""

from __future__ import annotations

from engine.explain.base import Entries, Explanation
from engine.i18n import _


def entries() -> Entries:
    """The explanations, by code."""
    return {
        "access_key_unusable": Explanation(
            _("The access key holds line ends or control characters, which can't be sent."),
            _("The key was copied over two lines."),
            _("Copy it again from FE2, as one line."),
        ),
        "fe2_access_key": Explanation(
            _("FE2 does not accept the access key. Nothing was changed."),
            _("FE2 answers with the code 401."),
            _("Copy it again from the settings of the organisation in FE2."),
        ),
        "fe2_answer": Explanation(
            _("FE2 gave an answer that its documentation does not name. What it holds is not known now."),
            _("FE2 answers with the code 500."),
            _("Run again: everything is sent once more. If it stays, look into FE2's log."),
        ),
        "fe2_busy": Explanation(
            _("FE2 is busy with another synchronisation. Nothing was changed."),
            _("Another program writes to the same organisation."),
            _("Run again later. Only one program should write to an organisation."),
        ),
        "fe2_delete_not_allowed": Explanation(
            _("FE2 does not allow to delete a single person."),
            "removal: delete",
            _("Tick “Person löschen erlauben” in FE2, or let the list do it."),
            "removal: sync",
        ),
        "fe2_no_synchronisation": Explanation(
            _("This version of FE2 has no synchronisation of the address book."),
            'fe2_version: "2.20"',
            _("Update FE2, or correct fe2_version."),
        ),
        "fe2_nobody_known": Explanation(
            _("FE2 knows none of the persons to be deleted, which older versions answer to everybody."),
            _("FE2 answers with the code 404 to every person."),
            _("Look into FE2. If the persons are gone there, take them out here."),
            "abgleich forget personal 1042",
        ),
        "fe2_not_active": Explanation(
            _("The synchronisation is not switched on in the organisation, or FE2 is not available."),
            _("FE2 answers with the code 503."),
            _("Switch on the automatic synchronisation in the settings of the organisation."),
        ),
        "fe2_not_fe2": Explanation(
            _("A web page answered instead of FE2's interface, for example a proxy or a login page."),
            "url: https://www.example.org",
            _("Write the address and port of FE2 itself."),
            "url: https://fe2.example.org:83",
        ),
        "fe2_other_organisation": Explanation(
            _("A person belongs to another organisation of this FE2 already."),
            _("Two brigades number their members from 1."),
            _("Make the ids differ with a prefix."),
            'id_prefix: "nord-"',
        ),
        "fe2_path": Explanation(
            _("At this address there is no interface of FE2."),
            "url: https://fe2.example.org",
            _("Write protocol, name and port as they stand in the browser."),
            "url: https://fe2.example.org:83",
        ),
        "fe2_person_unknown": Explanation(
            _("FE2 does not know a person that was to be deleted."),
            _("Somebody deleted the person in FE2 by hand."),
            _("If FE2 still shows the person, delete them there by hand."),
        ),
        "fe2_quota": Explanation(
            _("The organisation may not have so many persons. Nothing was changed."),
            _("FE2 answers with the code 403."),
            _("Raise the quota in FE2, or send fewer persons."),
        ),
        "fe2_too_old": Explanation(
            _("This version of FE2 can't delete single persons."),
            "removal: delete",
            _("Let the list do it, or update FE2."),
            "removal: sync",
        ),
        "fe2_unreachable": Explanation(
            _("FE2 can't be reached. It is tried again by itself."),
            _("The server is being restarted."),
            _("Check url, network and server."),
            "abgleich ping",
        ),
        "fe2_version_lacks": Explanation(
            _("The version of FE2 that the connection names does not know a field. It is not sent."),
            "aPagerProFieldMode: LEGACY",
            _("Leave the field out, or correct fe2_version after an update."),
        ),
        "fe2_version_unreadable": Explanation(
            _("What fe2_version says is no version."),
            "fe2_version: neueste",
            _("Write it as FE2 shows it, in quotes, or leave it out."),
            'fe2_version: "2.39"',
        ),
        "id_changed": Explanation(
            _(
                "A known person would get another externalDbId. FE2 would delete the person and make "
                "a new one, so the row is rejected."
            ),
            _("A name is part of the id, and the person married."),
            _("Make the id from the key alone."),
            'externalDbId: "{{ nr }}"',
        ),
        "id_empty": Explanation(
            _("A person has no externalDbId."),
            'externalDbId: "{{ funk_nr }}"',
            _("Make the id from something that every person has."),
            'externalDbId: "{{ nr }}"',
        ),
        "id_invalid": Explanation(_("FE2 can't take this text as an id."), 'externalDbId: "."', _("Use another id.")),
        "number_form": Explanation(
            _("A number for mobil is not in the form that FE2 expects. It is sent all the same."),
            'mobil: "{{ handy }}"',
            _("Use the filter phone."),
            'mobil: "{{ handy | phone }}"',
        ),
        "pager_address": Explanation(
            _("aPagerPro takes an e-mail address or a mobile number with 0049. The row is rejected."),
            'aPagerPro: "{{ handy }}"',
            _("Use the filter phone for numbers."),
            'aPagerPro: "{{ handy | phone }}"',
        ),
        "pager_mode_changed": Explanation(
            _("FE2 can't change the mode of aPager PRO of a known person. The row is rejected."),
            "aPagerProFieldMode: TOKEN",
            _("Put the old mode back for persons who are known."),
            "aPagerProFieldMode: LEGACY",
        ),
        "pager_mode_unknown": Explanation(
            _("FE2's documentation does not know this mode of aPager PRO. It is sent as it is."),
            "aPagerProFieldMode: LEGCY",
            _("Write LEGACY or TOKEN."),
            "aPagerProFieldMode: LEGACY",
        ),
        "pager_with_token": Explanation(
            _("With the mode TOKEN the field aPagerPro must be empty. The row is rejected."),
            'aPagerProFieldMode: TOKEN\naPagerPro: "{{ email }}"',
            _("Leave aPagerPro out, or use LEGACY."),
            "aPagerProFieldMode: TOKEN",
        ),
        "mobile_is_landline": Explanation(
            _("Some persons get a number of the landline as their mobile one: they would get no text messages."),
            "handy: [Telefon privat, Mobil privat]",
            _("Name the column of the mobile number first, or leave the landline out."),
            "handy: [Mobil privat, Mobil dienstlich]",
        ),
        "name_empty": Explanation(
            _("A person would come to FE2 without a name."),
            "1042;;;aktiv",
            _("If the row is no person, leave it out. If the name stands in another column, name that one."),
            'lastName: "{{ nachname }}"',
        ),
        "nobody_alarmed": Explanation(
            _("Not one person of the list is in an alarm group. FE2 would alarm none of them."),
            "alarmGroups: \"{{ zug | lookup('alarmgruppen', []) }}\"",
            _("Compare the column and the table with the list. If nobody shall be alarmed, say so."),
            "alarmGroups: []",
        ),
        "unknown_alarm_group": Explanation(
            _(
                "A row names an alarm group that FE2 does not have, by the list in the connection. "
                "FE2 would drop it in silence, so the row is rejected."
            ),
            "alarm_groups: [Alarm Zug 1]",
            _("Write the name as FE2 has it, or add it to alarm_groups."),
            "alarm_groups: [Alarm Zug 1, Alarm Zug 2]",
        ),
    }
