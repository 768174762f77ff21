"""YAML: how lines are written, files, secrets, includes."""

from __future__ import annotations

from engine.explain.base import Entries, Explanation
from engine.i18n import _


def entries() -> Entries:
    """The explanations, by code."""
    return {
        "bad_name": Explanation(
            _("A name holds signs that a name can't have, or is a word that templates need themselves."),
            "columns:\n  tel-privat: Telefon privat",
            _(
                "Use letters, digits and _ for columns and variables, and no digit at the start; the "
                "heading itself stands behind the colon."
            ),
            "columns:\n  tel_privat: Telefon privat",
        ),
        "duplicate_key": Explanation(
            _(
                "The same key stands twice in one block. Which of the two is meant can't be told, so "
                "neither is guessed."
            ),
            'fields:\n  mobil: "{{ mobil }}"\n  mobil: "{{ handy }}"',
            _("Take out one of the two lines."),
            'fields:\n  mobil: "{{ mobil }}"',
        ),
        "env_var_missing": Explanation(
            _("A value is to come from an environment variable that is not set on this computer."),
            "url: !env_var FE2_URL",
            _("Set the variable for the service, or give a default behind its name."),
            "url: !env_var FE2_URL https://fe2.example.org:83",
        ),
        "file_not_utf8": Explanation(
            _("A configuration file is saved in an old encoding: umlauts in it can't be read for certain."),
            _("The editor saved the file as “ANSI”."),
            _("Save it once more in the editor with the encoding UTF-8."),
        ),
        "file_too_large": Explanation(
            _("A YAML file is far larger than any mapping. It is not read."),
            _("A list of members was put into the folder mappings."),
            _("Put lists into the folder that the source names, for example inbox."),
        ),
        "file_unreadable": Explanation(
            _("A file is there but can't be opened."),
            _("The file belongs to another user of the computer."),
            _("Check its name and its permissions, and whether another program has it open."),
        ),
        "file_not_writable": Explanation(
            _("A file was to be mended but can't be written. It is as it was."),
            _("The file is read-only, or open in another program."),
            _("Check its permissions, and close it elsewhere."),
            "abgleich check --fix",
        ),
        "include_circle": Explanation(
            _("Files include each other in a circle, or too many levels deep."),
            "# tables/a.yaml\nzuege: !include a.yaml",
            _("Take out one of the includes."),
        ),
        "include_missing": Explanation(
            _("A file or folder that is to be included does not exist."),
            "alarmgruppen: !include tables/alarmgruppe.yaml",
            _("Correct the name; paths count from the file in which !include stands."),
            "alarmgruppen: !include tables/alarmgruppen.yaml",
        ),
        "include_not_list": Explanation(
            _("Each file of this folder must hold a list, and one does not."),
            "actions: !include_dir_merge_list aktionen",
            _("Start every entry of that file with a dash and a blank."),
            "- action: fe2.sync",
        ),
        "include_not_mapping": Explanation(
            _("Each file of this folder must hold keys and values, and one does not."),
            "tables: !include_dir_merge_named tabellen",
            _("Write lines with a key, a colon and a value into that file."),
            "zuege: {1. Zug: Alarm Zug 1}",
        ),
        "include_outside": Explanation(
            _(
                "A file outside of the project is to be included. That is not allowed: a project must "
                "be whole by itself."
            ),
            "alarmgruppen: !include ../../alarmgruppen.yaml",
            _("Copy the file into the project and name it there."),
            "alarmgruppen: !include tables/alarmgruppen.yaml",
        ),
        "key_not_text": Explanation(
            _("Before the colon stands something that is no text, for example a list."),
            "[1. Zug]: Alarm Zug 1",
            _("Write the key as one text, in quotes if need be."),
            '"1. Zug": Alarm Zug 1',
        ),
        "merge_not_mapping": Explanation(
            _("Behind `<<:` must stand keys and values that were named above."),
            "<<: fe2",
            _("Name the block above with & and use it here with *."),
            "<<: *fe2",
        ),
        "no_configuration": Explanation(
            _("The project has no mappings/configuration.yaml: it is not known where anything is to be sent."),
            "abgleich --project D:\\Listen check",
            _("Name the right folder, or make a new project."),
            "abgleich init",
        ),
        "quote_inside": Explanation(
            _("A text in quotes holds the same quotation mark inside, so it ends too early."),
            "where: '{{ status == 'aktiv' }}'",
            _("Put the whole into the other kind of quotes."),
            "where: \"{{ status == 'aktiv' }}\"",
        ),
        "secret_in_secrets": Explanation(
            _("A value in secrets.yaml refers to another secret."),
            "fe2_key: !secret anderer_schluessel",
            _("Write the value itself into secrets.yaml."),
        ),
        "secret_in_url": Explanation(
            _("A password stands in the middle of an address, where it would be shown and noted."),
            "url: http://api:geheim@greyhound.example.org",
            _("Take user and password out of the address and put them into their own keys."),
            "url: http://greyhound.example.org\nusername: api\npassword: !secret greyhound_password",
        ),
        "secret_missing": Explanation(
            _("A secret is named that stands in no secrets.yaml, or has no value there."),
            "access_key: !secret fe2_kay",
            _("Correct the name, or add a line with it to mappings/secrets.yaml."),
            "access_key: !secret fe2_key",
        ),
        "tab_indentation": Explanation(
            _("A tab stands where YAML allows blanks only. How wide a tab is, every editor sees differently."),
            _("The tab key was pressed before a line."),
            _("Put blanks instead, as many as the lines around it have. `abgleich check --fix` does it."),
        ),
        "tag_without_name": Explanation(
            _("Behind a tag such as !secret the name is missing."),
            "access_key: !secret",
            _("Write the name behind it."),
            "access_key: !secret fe2_key",
        ),
        "template_without_quotes": Explanation(
            _("A template stands without quotes. YAML takes its braces for something else and can't read the line."),
            "firstName: {{ vorname }}",
            _("Put the whole value in quotes. `abgleich check --fix` does it."),
            'firstName: "{{ vorname }}"',
        ),
        "unknown_tag": Explanation(
            _("A value begins with an exclamation mark, and what follows is no tag that is known."),
            "password: !geheim123",
            _("Correct the tag, or put the text in quotes."),
            'password: "!geheim123"',
        ),
        "yaml_alias": Explanation(
            _("A value begins with *, but nothing above has that name, or an alias holds itself."),
            "path: *liste",
            _("Name the value above with &, or put the text in quotes."),
            'path: "*liste"',
        ),
        "yaml_bracket": Explanation(
            _("A bracket is opened and not closed, or a comma is missing between two entries."),
            "2. Zug: [Alarm Zug 2, Alarm Nacht",
            _("Close the bracket; put texts that hold brackets in quotes."),
            "2. Zug: [Alarm Zug 2, Alarm Nacht]",
        ),
        "yaml_blank": Explanation(
            _("Blanks at the beginning of a line or behind a colon are non-breaking ones: they count as letters."),
            _("A part of a mapping was copied from a web page, a mail or a word processor."),
            _("Put ordinary blanks instead. `abgleich check --fix` does it."),
        ),
        "yaml_character": Explanation(
            _(
                "A value begins with a sign that YAML keeps for itself, or the file holds an "
                "invisible control character."
            ),
            "path: *.csv",
            _("Put the value in quotes; take invisible characters out."),
            'path: "*.csv"',
        ),
        "yaml_colon": Explanation(
            _("A colon is missing, has no blank behind it, or is one too many in its line."),
            'firstName:"{{ vorname }}"',
            _(
                "Every line is a key, a colon, a blank and a value; a value with a colon and a blank "
                "in it stands in quotes."
            ),
            'firstName: "{{ vorname }}"',
        ),
        "yaml_dash": Explanation(
            _("Every item of a list stands on a line of its own and begins with a dash and a blank."),
            "alarm_groups:\n  Alarm Zug 1\n  -Alarm Nacht",
            _("Put a dash and a blank before it. `abgleich check --fix` does it."),
            "alarm_groups:\n  - Alarm Zug 1\n  - Alarm Nacht",
        ),
        "yaml_documents": Explanation(
            _("The file holds a line `---` in its middle: that begins a second document, and only one is read."),
            "id: personal\n---\nsource:",
            _("Take the line out, or put what follows into a file of its own."),
        ),
        "yaml_escape": Explanation(
            _("In double quotes a backslash begins a special sign, and this one is not known."),
            "mobil: \"{{ handy | regex_replace('\\D', '') }}\"",
            _("Write the backslash twice, or put the whole in single quotes."),
            "mobil: \"{{ handy | regex_replace('\\\\D', '') }}\"",
        ),
        "yaml_indentation": Explanation(
            _("A line begins in another column than its neighbours, so it is not clear what it belongs to."),
            'fields:\n  firstName: "{{ vorname }}"\n   lastName: "{{ nachname }}"',
            _("Give keys of one level the same number of blanks."),
            'fields:\n  firstName: "{{ vorname }}"\n  lastName: "{{ nachname }}"',
        ),
        "yaml_quote": Explanation(
            _("A quotation mark is opened and never closed."),
            'firstName: "{{ vorname }}',
            _("Put the same mark at the end of the value."),
            'firstName: "{{ vorname }}"',
        ),
        "yaml_syntax": Explanation(
            _("The line can't be read as YAML, and what was meant could not be found out."),
            "firstName: |x",
            _("Compare the line with the ones around it; put values with special characters in quotes."),
            'firstName: "|x"',
        ),
        "yaml_too_deep": Explanation(
            _("Lists and blocks are nested so deeply that no mapping can be meant."),
            "[[[[[[[[[[ …",
            _("Look for brackets too many."),
        ),
        "yaml_too_large": Explanation(
            _("With all its aliases and includes the file becomes far larger than any mapping."),
            "a: &a [x, x]\nb: &b [*a, *a]",
            _("Write the values out instead of referring to references."),
        ),
    }
