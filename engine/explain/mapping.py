"""What stands in configuration.yaml and in mappings: keys, values, names."""

from __future__ import annotations

from engine.explain.base import Entries, Explanation
from engine.i18n import _


def entries() -> Entries:
    """The explanations, by code."""
    return {
        "blueprint_missing": Explanation(
            _("The blueprint that a mapping uses does not exist."),
            "use_blueprint:\n  path: mp_feuer.yaml",
            _("Correct the file's name; blueprints lie in mappings/blueprints."),
            "use_blueprint:\n  path: mp_feuer_fe2.yaml",
        ),
        "ca_file_missing": Explanation(
            _("The file with the server's certificate does not exist."),
            "ca_file: certs/fe2.pem",
            _("Put the certificate there; the path counts from the project folder."),
        ),
        "connection_type": Explanation(
            _("An action names a connection to another kind of system."),
            "- action: fe2.sync\n  connection: greyhound_zentrale",
            _("Name a connection whose type fits the action."),
            "- action: fe2.sync\n  connection: fe2_musterstadt",
        ),
        "duplicate_id": Explanation(
            _(
                "Two mappings, or two actions of one, have the same id. Neither of the mappings runs: "
                "whose people are meant can't be told."
            ),
            _("A mapping file was copied, and its line `id:` was left as it was."),
            _("Give one of the two another id."),
        ),
        "expected_character": Explanation(
            _("One single character is expected here."),
            "delimiter: Semikolon",
            _("Write the character itself, in quotes, or the word tab."),
            'delimiter: ";"',
        ),
        "expected_duration": Explanation(
            _("A length of time is expected here."),
            "expect_every: 8 days",
            _("Write a number with s, m, h or d."),
            "expect_every: 8d",
        ),
        "expected_limit": Explanation(
            _("A limit is expected here: a number, a percentage, or both."),
            "max_removals: 3 of 10%",
            _("Write for example 3, 10% or 3 or 10%."),
            "max_removals: 3 or 10%",
        ),
        "expected_list": Explanation(
            _("A list is expected here, and something else stands there."),
            'ComLinks: "{{ email }}"',
            _("Write a list: entries in brackets, or one line with a dash for each."),
            'ComLinks:\n  - {Kind: email, Category: business, Text: "{{ email }}"}',
        ),
        "expected_mapping": Explanation(
            _("Lines with a key, a colon and a value are expected here, and something else stands there."),
            "source: inbox/personal.csv",
            _("Write such lines below, indented."),
            "source:\n  path: inbox/personal.csv",
        ),
        "expected_number": Explanation(
            _("A whole number is expected here."), "min_rows: zehn", _("Write digits only."), "min_rows: 10"
        ),
        "expected_pattern": Explanation(
            _("A pattern of times is expected here."),
            "hours: alle 4",
            _("Write /4 for every fourth, * for every, or a number."),
            'hours: "/4"',
        ),
        "expected_text": Explanation(
            _("A text is expected here, and a list or keys and values stand there."),
            "path: [a.csv, b.csv]",
            _("Write one text behind the colon, in quotes where it holds brackets or a colon."),
            "path: inbox/*.csv",
        ),
        "expected_time": Explanation(
            _("A time of day is expected here."), "at: 3 Uhr", _("Write hours and minutes, in quotes."), 'at: "03:00"'
        ),
        "expected_truth": Explanation(
            _("Yes or no is expected here."),
            "enabled: vielleicht",
            _("Write true or false; yes, no, ja, nein, on and off do as well."),
            "enabled: true",
        ),
        "expected_url": Explanation(
            _("The address of a server is expected here: with http or https, without anything behind the port."),
            "url: fe2.example.org",
            _("Write it as it stands in the browser, up to the port."),
            "url: https://fe2.example.org:83",
        ),
        "expected_weekday": Explanation(
            _("A day of the week is expected here, by its English short form."),
            "weekday: [Mo, Do]",
            _("Write mon, tue, wed, thu, fri, sat or sun."),
            "weekday: [mon, thu]",
        ),
        "field_missing": Explanation(
            _("A field that the target can't do without is not named, or has no value."),
            'fields:\n  externalDbId: "{{ nr }}"',
            _(
                "Add the field. To mean no alarm groups write [] for alarmGroups: that takes a person "
                "out of every alarm."
            ),
            'fields:\n  externalDbId: "{{ nr }}"\n  alarmGroups: "{{ zug | lookup(\'alarmgruppen\') }}"',
        ),
        "input_missing": Explanation(
            _("A blueprint asks for a value that the mapping does not give."),
            "use_blueprint:\n  path: fe2.yaml\n  input: {ordner: inbox}",
            _("Add the missing line under input."),
            "use_blueprint:\n  path: fe2.yaml\n  input: {ordner: inbox, connection: fe2_musterstadt}",
        ),
        "input_outside_blueprint": Explanation(
            _("!input stands in an ordinary file; it has a meaning in blueprints only."),
            "connection: !input connection",
            _("Write the value itself."),
            "connection: fe2_musterstadt",
        ),
        "key_missing": Explanation(
            _("A key that is needed is not there."),
            "source:\n  path: inbox/personal.csv",
            _("Add the line that the message names."),
            "source:\n  path: inbox/personal.csv\n  key: nr",
        ),
        "kind_not_contact": Explanation(
            _("The action would write something else than a contact."), "Kind: 1", _("Leave Kind out.")
        ),
        "list_where_text": Explanation(
            _("A list stands where the target takes one text."),
            'firstName: ["{{ vorname }}", "{{ nachname }}"]',
            _("Write one template; a list becomes a text with first or join."),
            'firstName: "{{ vorname }} {{ nachname }}"',
        ),
        "mapping_empty": Explanation(
            _("A file in the folder mappings is empty."),
            _("The file was made and never filled."),
            _("Write the mapping, or delete the file."),
        ),
        "marks_left": Explanation(
            _("A mapping that `abgleich new` wrote still has lines that it only guessed."),
            _("# TO CHECK: this was guessed"),
            _("Look at each line that is marked so. Where it is right, delete the mark."),
        ),
        "match_missing": Explanation(
            _("A GREYHOUND action does not say how a contact is found again: every run would make new contacts."),
            "- action: greyhound.sync\n  connection: greyhound_zentrale",
            _("Name the user field that holds the key."),
            "  match: {user_field: 6}",
        ),
        "name_ends_in_txt": Explanation(
            _("A file is not read as a mapping because its name ends in .txt. Some editors add that in silence."),
            "mappings/personal.yaml.txt",
            _("Rename the file."),
            "mappings/personal.yaml",
        ),
        "no_actions": Explanation(
            _("A mapping names nothing to bring up to date."),
            "actions: []",
            _("Add at least one action."),
            "actions:\n  - action: fe2.sync",
        ),
        "no_connections": Explanation(
            _("configuration.yaml names no connection."),
            "connections: {}",
            _("Add one; a new project shows how."),
            "abgleich init beispiel",
        ),
        "no_addresses": Explanation(
            _("configuration.yaml names no address for notices."),
            "notify: {}",
            _("Add an address and name it under default."),
            "notify:\n  leitung: !secret mail_leitung\n  default: [leitung]",
        ),
        "nothing_expected": Explanation(
            _("A test has a row and does not say what becomes of it: it would pass whatever the mapping does."),
            "- name: wer ausgetreten ist\n  row: {Status: ausgetreten}\n  expect:",
            _("Name the fields that matter, or null where the row is not sent."),
            "  expect: {fe2.sync: null}",
        ),
        "number_out_of_range": Explanation(
            _("A number is too small or too large for what it says."),
            "minutes: 75",
            _("Write a number within the limits that the message names."),
            "minutes: 15",
        ),
        "placeholder_missing": Explanation(
            _("A setting says how every text is written, and has no place for the text, or several."),
            'text_format: "<>"',
            _("Write {} once, where the text belongs."),
            'text_format: "<{}>"',
        ),
        "same_organisation": Explanation(
            _(
                "Two connections lead to the same organisation of FE2: with every run each would "
                "delete the people of the other."
            ),
            _("A connection was copied under another name."),
            _("Keep one of them; several mappings may use one connection."),
        ),
        "several_persons": Explanation(
            _("The rows of a test are not one person's."),
            "row: [{Nr: 1042}, {Nr: 1043}]",
            _("Make a test of each. Only where the mapping joins rows (`group_by`) a test may have several."),
            "row: {Nr: 1042}",
        ),
        "trigger_elsewhere": Explanation(
            _("All matching files make one list, but a trigger watches files that are never read."),
            "triggers:\n  - {trigger: file, path: inbox/neu.csv}\nsource: {path: inbox/*.csv, combine: all}",
            _("Write the same path in both places."),
            "triggers:\n  - {trigger: file, path: inbox/*.csv}",
        ),
        "unknown_action": Explanation(
            _("An action has a name that does not exist."),
            "- action: fe2.snyc",
            _("Write fe2.sync or greyhound.sync."),
            "- action: fe2.sync",
        ),
        "unknown_choice": Explanation(
            _("A field takes a few words or numbers only, and this is none of them."),
            "Kind: e-mail",
            _("Write one of the words that the message names."),
            "Kind: email",
        ),
        "unknown_column": Explanation(
            _("The key, or group_by, names neither a column nor a variable."),
            "key: nummer\ncolumns: {nr: Personalnummer}",
            _("Write the name that stands before the colon under columns."),
            "key: nr",
        ),
        "unknown_condition": Explanation(
            _("A condition is of a kind that does not exist."),
            "- condition: zeit",
            _("Write template or time."),
            "- condition: time",
        ),
        "unknown_connection": Explanation(
            _("An action names a connection that configuration.yaml does not have."),
            "connection: fe2_mustertadt",
            _("Write the name as it stands under connections."),
            "connection: fe2_musterstadt",
        ),
        "unknown_encoding": Explanation(
            _("An encoding is named that does not exist."),
            "encoding: ansi",
            _("Leave encoding out: it is found out. Or write for example cp1252."),
            "encoding: cp1252",
        ),
        "unknown_field": Explanation(
            _("The target has no field of this name. Field names are the interface's own, capital letters count."),
            'firstname: "{{ vorname }}"',
            _("Write the field as the message suggests."),
            'firstName: "{{ vorname }}"',
        ),
        "unknown_heading": Explanation(
            _("A test names a heading that `columns` does not name."),
            "row: {Personalnumer: 1042}",
            _("Write the heading as it stands behind the colon under columns."),
            "row: {Personalnummer: 1042}",
        ),
        "unknown_input": Explanation(
            _("A blueprint uses an input that its head does not name."),
            "connection: !input verbindung",
            _("Correct the name, or add it under input in the blueprint's head."),
            "blueprint:\n  input: {verbindung: {}}",
        ),
        "unknown_key": Explanation(
            _("A key is not known in this place. It would be ignored, so it is reported instead."),
            "auslöser:\n  - trigger: file",
            _(
                "Write the key that the message suggests, or put it where it belongs. `abgleich check "
                "--fix` mends clear cases."
            ),
            "triggers:\n  - trigger: file",
        ),
        "unknown_notify": Explanation(
            _("A mapping names a person to be told whom configuration.yaml does not have under notify."),
            "notify: [leitng]",
            _("Write the name as it stands under notify."),
            "notify: [leitung]",
        ),
        "unknown_source_type": Explanation(
            _("A source is of a kind that does not exist."),
            "type: cvs",
            _("Write a kind that the message names, or leave type out: the file's ending says it."),
            "type: csv",
        ),
        "unknown_timezone": Explanation(
            _("This computer does not know the time zone."),
            "timezone: Europe/Berln",
            _("Write a name such as Europe/Berlin."),
            "timezone: Europe/Berlin",
        ),
        "unknown_trigger": Explanation(
            _("A trigger is of a kind that does not exist."),
            "- trigger: datei",
            _("Write file, time, time_pattern or mapping."),
            "- trigger: file",
        ),
        "unknown_type": Explanation(
            _("A connection is of a kind that does not exist."), "type: fe3", _("Write fe2 or greyhound."), "type: fe2"
        ),
        "value_invalid": Explanation(
            _("A value does not fit its key."),
            _("A key of configuration.yaml has a value of an unforeseen kind."),
            _("Compare the value with the description of this key."),
        ),
        "value_missing": Explanation(
            _("A key stands there without a value."),
            "key:",
            _("Write the value behind the colon; a word such as null or ~ that is meant as a text stands in quotes."),
            "key: nr",
        ),
        "value_not_allowed": Explanation(
            _("A key takes a few words only, and this is none of them."),
            "removal: loeschen",
            _("Write one of the words that the message names."),
            "removal: delete",
        ),
    }
