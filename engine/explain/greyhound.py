"""GREYHOUND: its rules, its contacts, its answers."""

from __future__ import annotations

from engine.explain.base import Entries, Explanation
from engine.i18n import _


def entries() -> Entries:
    """The explanations, by code."""
    return {
        "contact_adopted": Explanation(
            _("A contact carried the key already and is taken over instead of making a second one."),
            _("An earlier run was cut off behind the creation."),
            _("Nothing is to be done."),
        ),
        "contact_locked": Explanation(
            _("A colleague has the contact open, so it was not changed."),
            _("The contact is being edited in GREYHOUND."),
            _("The next run tries again."),
        ),
        "contact_made_again": Explanation(
            _("A contact had been deleted in GREYHOUND, or belongs to somebody else by now: the person got a new one."),
            _("A colleague tidied up."),
            _("Nothing is to be done. Who shall go for good leaves the list."),
        ),
        "contact_missing": Explanation(
            _("The contact is not there any more."),
            'match: {id: "{{ greyhound_id }}"}',
            _("Correct the id in the source, or run again."),
        ),
        "contact_other_key": Explanation(
            _("The contact carries the key of somebody else by now, so it is left alone."),
            _("A colleague changed the user field with the key."),
            _("Put the key right in GREYHOUND."),
        ),
        "contact_twice": Explanation(
            _("Several contacts carry the same key; which one is meant can't be told. Nothing was written to them."),
            _("A contact was copied in GREYHOUND."),
            _("Leave the key with one of them, or delete the others."),
        ),
        "contact_unreadable": Explanation(
            _("A contact can't be locked or read."),
            _("The user lacks a right for its group."),
            _("Give the user of the connection the right for the group."),
        ),
        "field_empty": Explanation(
            _("A field that GREYHOUND can't do without is empty for this row."),
            'Subject: "{{ firma }}"',
            _("Give it a value for every row."),
            'Subject: "{{ vorname }} {{ nachname }}"',
        ),
        "greyhound_auth_encoding": Explanation(
            _("User or password hold a sign that the chosen encoding does not have."),
            _("The password holds an emoji."),
            _("Choose the other encoding, or another password."),
            "auth_encoding: utf-8",
        ),
        "greyhound_login": Explanation(
            _("GREYHOUND does not accept user and password, or the user lacks a right."),
            _("The password was changed in GREYHOUND."),
            _("Correct username and password, and check the user's rights."),
        ),
        "greyhound_name_twice": Explanation(
            _("A name stands for several groups or fields of GREYHOUND."),
            "GroupRef: Mitglieder",
            _("Write the number, or the whole path."),
            "GroupRef: Kontakte/Mitglieder",
        ),
        "greyhound_not_writable": Explanation(
            _("A group or field of GREYHOUND can't be used for contacts."),
            'UserFields: {7: "{{ nr }}"}',
            _("Name one of those that the message lists."),
            "abgleich ping",
        ),
        "greyhound_path": Explanation(
            _("At this address there is no interface of GREYHOUND."),
            "url: http://greyhound.example.org:81",
            _("Write address and HTTP port of the server."),
        ),
        "greyhound_refused": Explanation(
            _("GREYHOUND refused what was asked of it."),
            _("Too many clients are logged in with one user."),
            _("Look at the reason in the message; a user of its own for abgleich is best."),
        ),
        "greyhound_silent": Explanation(
            _(
                "GREYHOUND gave no clear answer to a write. Whether it was done is not known; the "
                "next run looks before it writes."
            ),
            _("The network was interrupted."),
            _("Run again."),
        ),
        "greyhound_unknown_name": Explanation(
            _("GREYHOUND has no group or field of this name."),
            "GroupRef: Kontakte/Mitgleider",
            _("Write the name as the message suggests."),
            "GroupRef: Kontakte/Mitglieder",
        ),
        "greyhound_unreachable": Explanation(
            _("GREYHOUND can't be reached, or does not work. It is tried again by itself."),
            _("The server is being restarted."),
            _("Check url, network and server."),
            "abgleich ping",
        ),
        "link_brackets": Explanation(
            _("The text of a link holds < or >, between which GREYHOUND puts it."),
            "Max <max@example.org>",
            _("Take the signs out of the text."),
            '"{{ mail | email }}"',
        ),
        "match_changed": Explanation(
            _("match was changed while it is in doubt whether some persons were written: they would be made twice."),
            "match: {user_field: 7}",
            _("Put the old match back, run once, and change it then."),
            "match: {user_field: 6}",
        ),
        "match_field_not_key": Explanation(
            _("The user field by which contacts are found must hold the key, and gets something else."),
            'match: {user_field: 6}\nfields:\n  UserFields: {6: "{{ nachname }}"}',
            _("Leave it out of UserFields: it is filled by itself."),
        ),
        "user_field_twice": Explanation(
            _("A user field is named twice, by number and by name, and gets two values."),
            'UserFields: {6: "{{ nr }}", Personalnummer: "{{ alt }}"}',
            _("Name every user field once."),
            'UserFields: {6: "{{ nr }}"}',
        ),
    }
