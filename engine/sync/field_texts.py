"""PURE: what the targets' fields mean, for editors. Their names are the vendors' own; what they do is said in ours."""

from __future__ import annotations

from engine.i18n import _


def field_texts(action: str) -> dict[str, str]:
    """The fields of an action with what each means; keys of entries as ``ComLinks.Kind``."""
    return {"fe2.sync": _fe2, "greyhound.sync": _greyhound}[action]()


def _fe2() -> dict[str, str]:
    return {
        "externalDbId": _("The person's number in the list: unique, and it must never change."),
        "firstName": _("First name."),
        "lastName": _("Last name."),
        "note": _("A note."),
        "osFunctions": _("Functions, for feedback and availability only, not for alarms. Upper and lower case matter."),
        "osGroups": _("Groups, for feedback and availability only, not for alarms. Upper and lower case matter."),
        "alarmGroups": _("The groups that are alarmed. [] takes the person out of every alarm."),
        "issi": _("ISSI of the radio; several are separated by ;"),
        "xmpp": _("XMPP address."),
        "aPagerPro": _(
            "The address registered in aPager PRO: a mail address, or a mobile number as 0049…. Empty with tokens."
        ),
        "email": _("Mail address."),
        "mobil": _('Mobile number as 0049…: "{{ handy | phone }}".'),
        "aPagerProFieldMode": _(
            "LEGACY: aPagerPro holds the address. TOKEN: FE2 makes a token when the person is created; it can't be "
            "changed later."
        ),
    }


def _greyhound() -> dict[str, str]:
    return {
        "GroupRef": _(
            "Group of a new contact: its number, or its path such as Kontakte/Mitglieder. `abgleich ping` lists them."
        ),
        "Subject": _('The name under which the contact is listed, such as "{{ nachname }}, {{ vorname }}".'),
        "Kind": _("Always 8 (contact); best left out."),
        "State": _("State of a new contact; 1 where it is left out."),
        "Priority": _("Priority of a new contact; 2 where it is left out."),
        "Firstname": _("First name."),
        "Lastname": _("Last name."),
        "Secondname": _("Second first name."),
        "Callname": _("What the person is called."),
        "Company": _("Company or organisation."),
        "Title": _("Title, such as Dr."),
        "Salutation": _("Salutation, such as Frau."),
        "Url": _("Address of a web page."),
        "Birthday": _("Date of birth."),
        "Sex": _("none, male, female or diverse."),
        "ComLinks": _("Addresses and numbers: a list of entries, each with its text."),
        "ComLinks.Kind": _("email, fax, letter, phone, mobile or message."),
        "ComLinks.Category": _("none, business, private, invoice or supplier."),
        "ComLinks.Preferred": _("true: this one is used first."),
        "ComLinks.Text": _("The address or number itself; an entry without text is left out."),
        "UserFields": _("User-defined fields: number or name, and the value. `abgleich ping` lists them."),
    }


def match_texts() -> dict[str, str]:
    """The ways in which a contact is found again."""
    return {
        "user_field": _("The user-defined field that holds the key: its number or name. `abgleich ping` lists them."),
        "id": _("Where the list keeps GREYHOUND's own numbers: a template that gives it."),
    }
